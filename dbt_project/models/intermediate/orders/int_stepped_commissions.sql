-- Commission of a month by the steps of its turnover: each step's rate of the part within it (marginal), or the rate of
-- the last step reached of all of it (whole). A month with more refunds than sales is given back at the first step's rate.
with months as (

    select * from {{ ref('int_contract_months') }}

),

contracts as (

    select * from {{ ref('int_rules__merchant_contracts') }}
    where commission_mode = 'tiered'

),

steps as (

    select * from {{ ref('int_rules__contract_steps') }}

),

reached as (

    select
        months.business,
        months.merchant_party,
        months.rule_id,
        months.month,
        steps.per_10000 * case
            when contracts.step_method = 'marginal'
                then least(months.turnover_fen, coalesce(steps.until_fen, months.turnover_fen)) - steps.from_fen
            when steps.until_fen is null or months.turnover_fen < steps.until_fen then months.turnover_fen
            else 0
        end as exact_10000
    from months
    inner join contracts on months.rule_id = contracts.rule_id
    inner join steps
        on months.rule_id = steps.contract_id
        and (steps.from_fen = 0 or steps.from_fen <= months.turnover_fen)

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
