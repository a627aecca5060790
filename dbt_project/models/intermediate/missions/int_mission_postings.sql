{{ config(materialized='table') }}

-- Missions offered tonight: to members within reach who consented at the business that sends, unless one of the same
-- kind is live or its pause is not over. An offer belongs to the member's account seen first, and goes where that goes.
with tonight as (

    select
        business_date,
        {{ add_days('business_date', '1') }} as first_date
    from {{ ref('int_tonight') }}

),

rules as (

    select rules.*, tonight.first_date
    from {{ ref('int_rules__missions') }} as rules
    inner join tonight
        on rules.valid_from_date <= tonight.business_date
        and rules.valid_until_date > tonight.business_date

),

had as (

    select
        mission,
        member_id,
        max(valid_until_date) as valid_until_date
    from {{ ref('int_offered_missions') }}
    group by mission, member_id

),

accounts as (

    select
        links.member_id,
        links.source,
        links.account_id,
        row_number() over (
            partition by links.member_id
            order by accounts.first_seen_date nulls last, links.source, links.account_id
        ) as place
    from {{ ref('int_member_links') }} as links
    inner join {{ ref('int_accounts') }} as accounts
        on links.source = accounts.source
        and links.account_id = accounts.account_id

),

postings as (

    select
        {{ row_key(['reach.mission', 'accounts.source', 'accounts.account_id', 'rules.first_date']) }} as mission_id,
        reach.mission,
        rules.mission_name,
        rules.business,
        accounts.source,
        accounts.account_id,
        reach.tier,
        rules.metric,
        cast(reach.missing_value as bigint) as missing_value,
        rules.first_date as valid_from_date,
        {{ add_days('rules.first_date', 'rules.days') }} as valid_until_date,
        rules.rule_id
    from {{ ref('int_missions_within_reach') }} as reach
    inner join rules on reach.mission = rules.mission
    inner join {{ ref('int_marketing_consents') }} as consents
        on reach.member_id = consents.member_id
        and rules.business = consents.business
    inner join accounts
        on reach.member_id = accounts.member_id
        and accounts.place = 1
    left join had
        on reach.mission = had.mission
        and reach.member_id = had.member_id
    where had.member_id is null
        or {{ add_days('had.valid_until_date', 'rules.again_after_days') }} <= rules.first_date

)

select * from postings
