-- The base of each merchant's commission: what was paid for its goods in money and points, and what others bear of the
-- vouchers, if the contract says so; and the money that the channel takes its fee of.
with legs as (

    select
        legs.activity_id,
        legs.merchant_id,
        contracts.is_subsidy_in_base
    from {{ ref('int_order_legs') }} as legs
    inner join {{ ref('int_rules__merchant_contracts') }} as contracts on legs.contract_id = contracts.rule_id

),

parts as (

    select
        activity_id,
        merchant_id,
        case when component = 'money' then share_fen else 0 end as money_fen,
        case when component = 'money' then total_fen else 0 end as total_money_fen,
        share_fen as paid_fen,
        0 as subsidy_fen
    from {{ ref('int_order_shares') }}
    where voucher_no is null
    union all
    select
        activity_id,
        merchant_id,
        0 as money_fen,
        0 as total_money_fen,
        0 as paid_fen,
        share_fen as subsidy_fen
    from {{ ref('int_voucher_shares') }}
    where funder_party <> merchant_party

),

bases as (

    select
        legs.activity_id,
        legs.merchant_id,
        cast(sum(coalesce(parts.paid_fen, 0) + case when legs.is_subsidy_in_base then coalesce(parts.subsidy_fen, 0) else 0 end) as bigint)
            as base_fen,
        cast(sum(coalesce(parts.money_fen, 0)) as bigint) as money_fen,
        cast(sum(coalesce(parts.total_money_fen, 0)) as bigint) as total_money_fen
    from legs
    left join parts
        on legs.activity_id = parts.activity_id
        and legs.merchant_id = parts.merchant_id
    group by legs.activity_id, legs.merchant_id

)

select * from bases
