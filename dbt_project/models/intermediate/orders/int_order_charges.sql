{{ config(materialized='file') }}

-- What a contracted merchant pays for an order (RULES §9): commission on its base, and its part of the channel's fee by
-- what was paid with what. Both are rounded once, half up. Commission by steps waits for the end of the month.
with legs as (

    select * from {{ ref('int_order_legs') }}
    where contract_id is not null

),

contracts as (

    select * from {{ ref('int_rules__merchant_contracts') }}

),

bases as (

    select * from {{ ref('int_order_bases') }}

),

fees as (

    select
        tenders.activity_id,
        channel_fees.contract_id,
        sum(tenders.amount_fen * channel_fees.per_10000) as weighted_fen
    from {{ ref('int_order_tenders') }} as tenders
    inner join (select distinct activity_id, contract_id from legs) as agreed
        on tenders.activity_id = agreed.activity_id
    inner join {{ ref('int_rules__channel_fees') }} as channel_fees
        on agreed.contract_id = channel_fees.contract_id
        and tenders.tender_type = channel_fees.tender_type
    group by tenders.activity_id, channel_fees.contract_id

),

charged as (

    select
        legs.business,
        legs.activity_id,
        legs.merchant_id,
        legs.merchant_party,
        legs.rule_id,
        bases.base_fen,
        contracts.commission_mode,
        {{ divide_down(
            'bases.base_fen * coalesce(contracts.commission_per_10000, contracts.merchant_per_10000, 0) + 5000',
            '10000') }} as rated_fen,
        coalesce(contracts.commission_fen_per_order, contracts.merchant_fen_per_order, 0) as fixed_fen,
        {{ divide_down(
            'bases.money_fen * greatest(fees.weighted_fen, 0) + bases.total_money_fen * 5000',
            'nullif(bases.total_money_fen * 10000, 0)') }} as fee_fen
    from legs
    inner join contracts on legs.contract_id = contracts.rule_id
    inner join bases
        on legs.activity_id = bases.activity_id
        and legs.merchant_id = bases.merchant_id
    left join fees
        on legs.activity_id = fees.activity_id
        and legs.contract_id = fees.contract_id
    where legs.due_fen > 0

),

charges as (

    select
        business,
        activity_id,
        merchant_id,
        merchant_party,
        rule_id,
        cast(case
            when commission_mode = 'tiered' then 0
            when commission_mode = 'remainder' then greatest(base_fen - rated_fen - fixed_fen, 0)
            else rated_fen + fixed_fen
        end as bigint) as commission_fen,
        cast(coalesce(fee_fen, 0) as bigint) as channel_fee_fen
    from charged

)

select * from charges
