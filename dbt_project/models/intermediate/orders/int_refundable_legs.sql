-- What can go back of each order: what each merchant got of each component, from whom, and what it was charged.
with shares as (

    select * from {{ ref('int_order_shares') }}

),

voucher_shares as (

    select * from {{ ref('int_voucher_shares') }}

),

charges as (

    select * from {{ ref('int_order_charges') }}

),

in_base as (

    select
        legs.activity_id,
        legs.merchant_id,
        coalesce(contracts.is_subsidy_in_base, true) as is_subsidy_in_base
    from {{ ref('int_order_legs') }} as legs
    left join {{ ref('int_rules__merchant_contracts') }} as contracts on legs.contract_id = contracts.rule_id

),

refundable as (

    select
        activity_id,
        merchant_id,
        merchant_party,
        component,
        business as funder_party,
        rule_id,
        share_fen as amount_fen,
        true as is_in_base
    from shares
    where voucher_no is null
    union all
    select
        voucher_shares.activity_id,
        voucher_shares.merchant_id,
        voucher_shares.merchant_party,
        voucher_shares.component,
        voucher_shares.funder_party,
        voucher_shares.rule_id,
        voucher_shares.share_fen as amount_fen,
        in_base.is_subsidy_in_base and voucher_shares.funder_party <> voucher_shares.merchant_party as is_in_base
    from voucher_shares
    inner join in_base
        on voucher_shares.activity_id = in_base.activity_id
        and voucher_shares.merchant_id = in_base.merchant_id
    union all
    select
        activity_id,
        merchant_id,
        merchant_party,
        'commission' as component,
        business as funder_party,
        rule_id,
        commission_fen as amount_fen,
        false as is_in_base
    from charges
    union all
    select
        activity_id,
        merchant_id,
        merchant_party,
        'channel_fee' as component,
        business as funder_party,
        rule_id,
        channel_fee_fen as amount_fen,
        false as is_in_base
    from charges

)

select * from refundable
