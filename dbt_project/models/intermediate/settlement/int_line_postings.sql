{{ config(materialized='file') }}

-- All settlement lines that tonight posts, of points and of merchants; of each that takes an earlier one back, why. What
-- happened to its document says more than what happened to its member, and that more than that everything was derived
-- again. What is left is that something else came: a late order or refund, a month's terms.
with postings as (

    select {{ settlement_line_columns() }} from {{ ref('int_taxed_postings') }}
    union all
    select {{ settlement_line_columns() }} from {{ ref('int_merchant_postings') }}

),

corrections as (

    select activity_id, is_withdrawn
    from {{ ref('int_activity_postings') }}
    where replaces_posted_date is not null

),

changed_members as (

    select member_id from {{ ref('int_link_changes') }}
    where previous_member_id <> member_id
    union
    select previous_member_id from {{ ref('int_link_changes') }}
    where previous_member_id <> member_id

),

-- All accounts of such members: what one brings along is spent for another.
changed_accounts as (

    select links.source, links.account_id
    from {{ ref('int_member_links') }} as links
    inner join changed_members on links.member_id = changed_members.member_id

),

with_reasons as (

    select
        postings.*,
        case
            when not postings.is_reversal then null
            when corrections.is_withdrawn then 'document_withdrawn'
            when corrections.activity_id is not null then 'document_corrected'
            when changed_accounts.account_id is not null then 'member_changed'
            when tonight.is_everything_touched then 'rules_changed'
            else 'later_fact'
        end as reversal_reason
    from postings
    cross join {{ ref('int_tonight') }} as tonight
    left join corrections on postings.activity_id = corrections.activity_id
    left join changed_accounts
        on postings.source = changed_accounts.source
        and postings.account_id = changed_accounts.account_id

)

select * from with_reasons
