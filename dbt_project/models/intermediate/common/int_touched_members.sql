{{ config(materialized='file') }}

-- Whose ledger is derived again tonight: new or corrected activities, a changed link, a birthday told anew that a rule
-- asks for, a referral that others have a part in, something falling due; everybody when a rule or the code changed.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

postings as (

    select activity_id, source, account_id, reverses_activity_id
    from {{ ref('int_activity_postings') }}

),

-- What was believed before counts as much as what is believed now: a receipt may have changed hands.
changed_activities as (

    select activity_id, source, account_id, reverses_activity_id from postings
    union all
    select activity_id, source, account_id, reverses_activity_id from {{ ref('int_replaced_activities') }}

),

-- A refund touches the member of its order too; what reverses something that is gone, or is there again, falls to its
-- own account, or back from it. Looked for among all that was ever posted, believed or not: to derive one member more
-- changes nothing, and what is believed costs five times as much to read.
changed_accounts as (

    select source, account_id from changed_activities
    union all
    select originals.source, originals.account_id
    from {{ ref('int_posted__activities') }} as originals
    inner join changed_activities on originals.activity_id = changed_activities.reverses_activity_id
    union all
    select reversals.source, reversals.account_id
    from {{ ref('int_posted__activities') }} as reversals
    inner join postings on reversals.reverses_activity_id = postings.activity_id

),

changed_links as (

    select * from {{ ref('int_link_changes') }}

),

touched as (

    select links.member_id
    from links
    inner join changed_accounts
        on links.source = changed_accounts.source
        and links.account_id = changed_accounts.account_id
    union
    select member_id from changed_links
    union
    select previous_member_id from changed_links
    union
    select links.member_id
    from links
    inner join {{ ref('int_account_birthdays') }} as birthdays
        on links.source = birthdays.source
        and links.account_id = birthdays.account_id
    where birthdays.is_changed
    union
    select member_id from {{ ref('int_referral_members') }}
    union
    select member_id from {{ ref('int_newly_ruled_members') }}
    union
    select member_id from {{ ref('int_due_members') }}
    union
    select links.member_id
    from links
    inner join tonight on tonight.is_everything_touched

),

members as (

    select member_id from touched
    where member_id is not null
    order by member_id

)

select * from members
