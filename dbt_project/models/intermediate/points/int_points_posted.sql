{{ config(materialized='file') }}

-- What earlier nights posted of touched members, seen from the entry: a reversal was posted with its parties swapped; it
-- is swapped back, and takes away. A file, since it is asked for twice and what it is found in takes long to read.
with posted as (

    select
        entries.{{ points_entry_content()[:-2] | join(', entries.') }},
        case when entries.is_reversal then entries.to_party else entries.from_party end as from_party,
        case when entries.is_reversal then entries.from_party else entries.to_party end as to_party,
        {{ signed('entries.points') }} as points
    from {{ ref('int_posted__points_entries') }} as entries
    inner join {{ ref('int_touched_links') }} as links
        on entries.source = links.source
        and entries.account_id = links.account_id

)

select * from posted
