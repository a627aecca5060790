-- What the last change of each member carried on where an upgrade deducted what it asked for: derived for touched
-- members, posted for the others.
with touched as (

    select * from {{ ref('int_touched_members') }}

),

posted as (

    select {{ tier_evidence_columns('earlier') }}
    from {{ ref('int_posted__tier_evidence') }} as earlier
    left join touched on earlier.member_id = touched.member_id
    where touched.member_id is null
    group by {{ tier_evidence_columns('earlier') }}
    having sum(case when earlier.is_reversal then -1 else 1 end) = 1

),

known as (

    select {{ tier_evidence_columns('derived') }} from {{ ref('int_tier_evidence') }} as derived
    union all
    select {{ tier_evidence_columns('posted') }} from posted

),

numbered as (

    select
        *,
        max(change_number) over (partition by member_id) as last_change_number
    from known

),

carried as (

    select
        member_id,
        metric,
        counted_to_date,
        carried_value
    from numbered
    where change_number = last_change_number
        and counted_to_date is not null

)

select * from carried
