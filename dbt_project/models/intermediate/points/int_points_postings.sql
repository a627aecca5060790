{{ config(materialized='file') }}

-- Difference posting (DESIGN idea 5): of what the fold derived, only what differs from the sum of earlier
-- postings is appended. Late files, corrections, refunds, merges and rule changes all arrive here.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

-- The key is made for differences only: it costs more than finding them.
keyed as (

    select
        {{ row_key(points_entry_content()) }} as entry_key,
        differences.*
    from {{ ref('int_points_differences') }} as differences

),

postings as (

    select
        md5(keyed.entry_key || '|' || cast(tonight.business_date as string)) as entry_id,
        keyed.entry_key,
        keyed.business_date,
        keyed.entry_type,
        case when difference_points > 0 then from_party else to_party end as from_party,
        case when difference_points > 0 then to_party else from_party end as to_party,
        cast(abs(difference_points) as bigint) as points,
        difference_points < 0 as is_reversal,
        keyed.source,
        keyed.account_id,
        keyed.activity_id,
        keyed.lot_id,
        keyed.parent_lot_id,
        keyed.debt_activity_id,
        keyed.issuer_business,
        keyed.redeemer_business,
        keyed.settling_business,
        keyed.price_date,
        keyed.expires_on_date,
        keyed.release_on_date,
        keyed.rule_id
    from keyed
    cross join tonight

)

select * from postings
