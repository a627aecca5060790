-- Tonight's points entries with how the points of their lot were paid for when they were earned (RULES §7). Nothing was
-- deposited for opening lots, which came from a system before this one. What members take beyond their lots is the
-- fund's claim on them, so the fund pays all of it.
with postings as (

    select * from {{ ref('int_points_postings') }}

),

lots as (

    select * from {{ ref('int_lot_price_dates') }}

),

funding as (

    select * from {{ ref('int_rules__funding') }}

),

entities as (

    select * from {{ ref('int_rules__businesses') }}

),

dated as (

    select
        postings.*,
        case
            when is_reversal then coalesce(lots.price_date_before, lots.price_date_now, price_date)
            else coalesce(lots.price_date_now, lots.price_date_before, price_date)
        end as lot_price_date
    from postings
    left join lots on postings.lot_id = lots.lot_id

),

funded as (

    select
        dated.*,
        case
            when {{ is_opening_lot('dated.lot_id') }} then 0
            when dated.lot_id is null then 100
            else coalesce(funding.deposit_percent, 100)
        end as deposit_percent,
        case when {{ is_opening_lot('dated.lot_id') }} then 0 else coalesce(funding.returned_percent, 0) end
            as returned_percent,
        case when not {{ is_opening_lot('dated.lot_id') }} then funding.rule_id end as funding_rule_id,
        coalesce(issuers.unified_social_credit_code = settlers.unified_social_credit_code, false)
            as is_within_one_entity
    from dated
    left join funding
        on dated.issuer_business = funding.issuer_business
        and dated.lot_price_date >= funding.valid_from_date
        and dated.lot_price_date < funding.valid_until_date
    left join entities as issuers on dated.issuer_business = issuers.business
    left join entities as settlers on dated.settling_business = settlers.business

)

select * from funded
