{{ config(materialized='file') }}

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

-- A reversal was posted with its parties swapped; seen from the entry they are swapped back.
both_sides as (

    select {{ points_entry_content() | join(', ') }}, points as difference_points
    from derived
    union all
    select
        {{ points_entry_content()[:-2] | join(', ') }},
        case when is_reversal then to_party else from_party end as from_party,
        case when is_reversal then from_party else to_party end as to_party,
        -({{ signed('points') }}) as difference_points
    from posted

),

differences as (

    select
        {{ points_entry_content() | join(', ') }},
        sum(difference_points) as difference_points
    from both_sides
    group by {{ points_entry_content() | join(', ') }}
    having sum(difference_points) <> 0

),

-- The key is made for differences only: it costs more than finding them.
keyed as (

    select
        {{ row_key(points_entry_content()) }} as entry_key,
        differences.*
    from differences

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
