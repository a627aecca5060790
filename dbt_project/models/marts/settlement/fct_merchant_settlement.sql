-- What each merchant is owed and owes, month by month, by what it is for; refunds stand against their sales.
with lines as (

    select * from {{ ref('fct_settlement_lines') }}
    where {{ is_order_movement('movement_type') }}

),

sides as (

    select
        period_month,
        {{ merchant_side('lines') }} as party,
        movement_type,
        activity_id,
        {{ counted('amount_fen', 'lines') }} as counted_fen,
        {{ counted('tax_fen', 'lines') }} as counted_tax_fen,
        case when {{ is_paid_by_merchant('movement_type') }} <> is_reversal then -amount_fen else amount_fen end
            as net_fen
    from lines

),

merchants as (

    select * from {{ ref('int_merchant_parties') }}
    where party_kind = 'merchant'

),

months as (

    select
        sides.period_month,
        sides.party,
        merchants.business,
        merchants.merchant_id,
        merchants.party_name as merchant_name,
        count(distinct case when sides.movement_type = 'sale' then sides.activity_id end) as order_count,
        cast(sum(case when movement_type = 'sale' then counted_fen else 0 end) as bigint) as sales_fen,
        cast(sum(case when movement_type = 'sale_refund' then -counted_fen else 0 end) as bigint) as refunds_fen,
        cast(sum(case when movement_type like 'points_tender%' then counted_fen else 0 end) as bigint) as points_fen,
        cast(sum(case when movement_type like 'voucher_subsidy%' then counted_fen else 0 end) as bigint)
            as subsidies_fen,
        cast(sum(case when movement_type like 'commission%' then counted_fen else 0 end) as bigint) as commission_fen,
        cast(sum(case when movement_type = 'minimum_guarantee' then counted_fen else 0 end) as bigint)
            as minimum_guarantee_fen,
        cast(sum(case when movement_type like 'channel_fee%' then counted_fen else 0 end) as bigint)
            as channel_fee_fen,
        cast(sum(case when {{ is_charge('movement_type') }} then 0 else counted_tax_fen end) as bigint)
            as receipts_tax_fen,
        cast(sum(case when {{ is_charge('movement_type') }} then counted_tax_fen else 0 end) as bigint)
            as charges_tax_fen,
        cast(sum(sides.net_fen) as bigint) as net_fen
    from sides
    inner join merchants on sides.party = merchants.party
    group by sides.period_month, sides.party, merchants.business, merchants.merchant_id, merchants.party_name

)

select * from months
