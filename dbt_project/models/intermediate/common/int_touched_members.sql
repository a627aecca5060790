{{ config(materialized='table', post_hook="{{ hand_over() }}") }}

-- Whose ledger is derived again tonight: new or corrected activities, a changed link, something falling due;
-- everybody when a rule or the code changed.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

changed_activities as (

    select
        coalesce(original.source, activities.source) as source,
        coalesce(original.account_id, activities.account_id) as account_id
    from {{ ref('int_activities') }} as activities
    inner join tonight on activities.load_date > tonight.previous_date
    left join {{ ref('int_activities') }} as original on activities.reverses_activity_id = original.activity_id

),

changed_links as (

    select * from {{ ref('int_link_changes') }}

),

touched as (

    select links.member_id
    from links
    inner join changed_activities
        on links.source = changed_activities.source
        and links.account_id = changed_activities.account_id
    union
    select member_id from changed_links
    union
    select previous_member_id from changed_links
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
