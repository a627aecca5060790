-- The day that decides how each lot of the members touched tonight is paid for, of issuers whose funding has changed
-- at all: what it is now, and what it was for postings that take an earlier one back.
with derived as (

    select * from {{ ref('int_points_derived') }}

),

postings as (

    select * from {{ ref('int_points_postings') }}

),

changing as (

    select issuer_business
    from {{ ref('int_rules__funding') }}
    group by issuer_business
    having count(*) > 1

),

openings as (

    select
        lot_id,
        issuer_business,
        price_date as price_date_now,
        cast(null as date) as price_date_before
    from derived
    where entry_type in ('accrual', 'pending', 'renewal_in')
    union all
    select
        lot_id,
        issuer_business,
        cast(null as date) as price_date_now,
        price_date as price_date_before
    from postings
    where entry_type in ('accrual', 'pending', 'renewal_in') and is_reversal

),

lots as (

    select
        openings.lot_id,
        min(openings.price_date_now) as price_date_now,
        min(openings.price_date_before) as price_date_before
    from openings
    inner join changing on openings.issuer_business = changing.issuer_business
    group by openings.lot_id

)

select * from lots
