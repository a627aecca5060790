-- Whose referrals are judged again tonight: what one member's referral earns depends on who was brought, on who else
-- brought them, and on whether they had referred somebody before. A referral that is new or says something else than
-- before touches its referrer and whom it brought; so does a change of whose accounts are whose; and each of these
-- touches everybody who ever referred them.
with behaviours as (

    select source, account_id, referred_account_id, load_date
    from {{ ref('int_behaviours') }}
    where referred_account_id is not null

),

links as (

    select * from {{ ref('int_member_links') }}

),

news as (

    select behaviours.source, behaviours.account_id, behaviours.referred_account_id
    from behaviours
    inner join {{ ref('int_tonight') }} as tonight on behaviours.load_date > tonight.previous_date

),

changed_accounts as (

    select source, account_id from news
    union
    select source, referred_account_id from news
    union
    select source, account_id from {{ ref('int_activity_postings') }}
    where activity_type = 'referral'
    union
    select source, account_id from {{ ref('int_replaced_activities') }}
    where activity_type = 'referral'

),

changed as (

    select links.member_id
    from links
    inner join changed_accounts
        on links.source = changed_accounts.source
        and links.account_id = changed_accounts.account_id
    union
    select member_id from {{ ref('int_link_changes') }}
    union
    select previous_member_id from {{ ref('int_link_changes') }}

),

judged as (

    select member_id from changed
    union
    select referrer.member_id
    from behaviours
    inner join links as referred
        on behaviours.source = referred.source
        and behaviours.referred_account_id = referred.account_id
    inner join changed on referred.member_id = changed.member_id
    inner join links as referrer
        on behaviours.source = referrer.source
        and behaviours.account_id = referrer.account_id

),

members as (

    select * from judged
    where member_id is not null

)

select * from members
