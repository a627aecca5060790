{{ config(materialized='table') }}

-- Difference posting (DESIGN idea 5): of what the fold derived, only what differs from the sum of earlier
-- postings is appended. Late files, corrections, refunds, merges and rule changes all arrive here.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

derived as (

    select * from {{ ref('int_points_derived') }}

),

touched_accounts as (

    select
        links.source,
        links.account_id
    from {{ ref('int_member_links') }} as links
    inner join {{ ref('int_touched_members') }} as touched on links.member_id = touched.member_id

),

posted as (

    select entries.*
    from {{ ref('int_posted__points_entries') }} as entries
    inner join touched_accounts
        on entries.source = touched_accounts.source
        and entries.account_id = touched_accounts.account_id

),

both_sides as (

    select {{ points_entry_columns() }}, points as difference_points
    from derived
    union all
    -- A reversal was posted with its parties swapped; seen from the entry they are swapped back.
    select
        {{ points_entry_columns(swap_if_reversed=true) }},
        -({{ signed('points') }}) as difference_points
    from posted

),

differences as (

    select
        {{ points_entry_columns() }},
        sum(difference_points) as difference_points
    from both_sides
    group by {{ points_entry_columns() }}
    having sum(difference_points) <> 0

),

postings as (

    select
        md5(differences.entry_key || '|' || cast(tonight.business_date as string)) as entry_id,
        differences.entry_key,
        differences.business_date,
        differences.entry_type,
        case when difference_points > 0 then from_party else to_party end as from_party,
        case when difference_points > 0 then to_party else from_party end as to_party,
        cast(abs(difference_points) as bigint) as points,
        difference_points < 0 as is_reversal,
        differences.source,
        differences.account_id,
        differences.activity_id,
        differences.lot_id,
        differences.parent_lot_id,
        differences.debt_activity_id,
        differences.issuer_business,
        differences.redeemer_business,
        differences.settling_business,
        differences.price_date,
        differences.expires_on_date,
        differences.release_on_date,
        differences.rule_id
    from differences
    cross join tonight

)

select * from postings
