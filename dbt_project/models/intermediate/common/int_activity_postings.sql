{{ config(materialized='file') }}

-- Activities by difference (DESIGN idea 5): of what the touched documents now say, only what is new or other than
-- last believed is appended, and what they no longer say is withdrawn. The same row delivered again posts nothing.
with derived as (

    select * from {{ ref('int_derived_activities') }}

),

known as (

    select known.*
    from {{ ref('int_known_activities') }} as known
    inner join {{ ref('int_touched_documents') }} as documents
        on known.business = documents.business
        and known.document_no = documents.document_no

),

postings as (

    select
        {{ first_version('derived', 'known', ['activity_id'], activity_content() + activity_provenance()) }},
        known.posted_date as replaces_posted_date,
        derived.activity_id is null as is_withdrawn
    from derived
    full outer join known on derived.activity_id = known.activity_id
    where derived.activity_id is null
        or known.activity_id is null
        or {{ says_otherwise('derived', 'known', activity_content()) }}

)

select * from postings
