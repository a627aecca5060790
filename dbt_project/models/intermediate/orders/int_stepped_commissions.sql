-- Commission of a month by the steps of its turnover: each step's rate of the part within it (marginal), or the rate of
-- the last step reached of all of it (whole). A month with more refunds than sales is given back at the first step's rate.
-- Where a contract has two versions in a month, the second one's turnover goes on where the first one's ended.
with contracts as (

    select * from {{ ref('int_rules__merchant_contracts') }}
    where commission_mode = 'tiered'

),

steps as (

    select * from {{ ref('int_rules__contract_steps') }}

),

months as (

    select
        months.business,
        months.merchant_party,
        months.rule_id,
        months.month,
        months.turnover_fen,
        contracts.step_method,
        cast(coalesce(sum(months.turnover_fen) over (
            partition by months.merchant_party, months.month
            order by contracts.valid_from_date, months.rule_id
            rows between unbounded preceding and 1 preceding
        ), 0) as bigint) as before_fen,
        cast(sum(months.turnover_fen) over (partition by months.merchant_party, months.month) as bigint) as all_fen
    from {{ ref('int_contract_months') }} as months
    inner join contracts on months.rule_id = contracts.rule_id

),

-- What the steps make up to the end of a version's turnover, less what they make up to its beginning.
ends as (

    select business, merchant_party, rule_id, month, before_fen + turnover_fen as at_fen, 1 as sign
    from months
    where step_method = 'marginal'
    union all
    select business, merchant_party, rule_id, month, before_fen as at_fen, -1 as sign
    from months
    where step_method = 'marginal'

),

reached as (

    select
        ends.business,
        ends.merchant_party,
        ends.rule_id,
        ends.month,
        ends.sign * steps.per_10000 * (least(ends.at_fen, coalesce(steps.until_fen, ends.at_fen)) - steps.from_fen)
            as exact_10000
    from ends
    inner join steps
        on ends.rule_id = steps.contract_id
        and (steps.from_fen = 0 or steps.from_fen <= ends.at_fen)
    union all
    select
        months.business,
        months.merchant_party,
        months.rule_id,
        months.month,
        steps.per_10000 * months.turnover_fen as exact_10000
    from months
    inner join steps
        on months.rule_id = steps.contract_id
        and (steps.from_fen = 0 or steps.from_fen <= months.all_fen)
        and (steps.until_fen is null or months.all_fen < steps.until_fen)
    where months.step_method <> 'marginal'

),

summed as (

    select
        business,
        merchant_party,
        rule_id,
        month,
        sum(exact_10000) as exact_10000
    from reached
    group by business, merchant_party, rule_id, month

),

commissions as (

    select
        business,
        merchant_party,
        rule_id,
        month,
        cast(case when exact_10000 < 0 then -1 else 1 end * {{ divide_down('abs(exact_10000) + 5000', '10000') }} as bigint)
            as commission_fen
    from summed

)

select * from commissions
