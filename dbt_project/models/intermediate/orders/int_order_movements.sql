-- Everything that tonight's touched documents move between a merchant and another party: sales and points paid out by the
-- business that took them, subsidies by their funders, charges, and what refunds take back.
with shares as (

    select * from {{ ref('int_order_shares') }}

),

movements as (

    select
        activity_id,
        merchant_party,
        business as other_party,
        case component when 'money' then 'sale' else 'points_tender' end
        || case when is_given_back then '_refund' else '' end as movement_type,
        rule_id,
        share_fen as amount_fen,
        rounding_micro_fen
    from shares
    where voucher_no is null
    union all
    select
        activity_id,
        merchant_party,
        funder_party as other_party,
        'voucher_subsidy' || case when is_given_back then '_refund' else '' end as movement_type,
        rule_id,
        share_fen as amount_fen,
        rounding_micro_fen
    from {{ ref('int_voucher_shares') }}
    where funder_party <> merchant_party
    union all
    select
        activity_id,
        merchant_party,
        business as other_party,
        'commission' as movement_type,
        rule_id,
        commission_fen as amount_fen,
        0 as rounding_micro_fen
    from {{ ref('int_order_charges') }}
    union all
    select
        activity_id,
        merchant_party,
        business as other_party,
        'channel_fee' as movement_type,
        rule_id,
        channel_fee_fen as amount_fen,
        0 as rounding_micro_fen
    from {{ ref('int_order_charges') }}
    union all
    select
        activity_id,
        merchant_party,
        other_party,
        movement_type,
        rule_id,
        amount_fen,
        0 as rounding_micro_fen
    from {{ ref('int_refund_legs') }}

),

summed as (

    select
        activity_id,
        merchant_party,
        other_party,
        movement_type,
        rule_id,
        cast(sum(amount_fen) as bigint) as amount_fen,
        cast(sum(rounding_micro_fen) as bigint) as rounding_micro_fen
    from movements
    where amount_fen <> 0
    group by activity_id, merchant_party, other_party, movement_type, rule_id

)

select * from summed
