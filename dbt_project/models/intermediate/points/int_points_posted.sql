-- What earlier nights posted of touched members, seen from the entry: a reversal was posted with its parties swapped; it
-- is swapped back, and takes away.
with touched_accounts as (

    select
        links.source,
        links.account_id
    from {{ ref('int_member_links') }} as links
    inner join {{ ref('int_touched_members') }} as touched on links.member_id = touched.member_id

),

posted as (

    select
        entries.{{ points_entry_content()[:-2] | join(', entries.') }},
        case when entries.is_reversal then entries.to_party else entries.from_party end as from_party,
        case when entries.is_reversal then entries.from_party else entries.to_party end as to_party,
        {{ signed('entries.points') }} as points
    from {{ ref('int_posted__points_entries') }} as entries
    inner join touched_accounts
        on entries.source = touched_accounts.source
        and entries.account_id = touched_accounts.account_id

)

select * from posted
