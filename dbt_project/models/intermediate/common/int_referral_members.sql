-- Whose referrals are judged again tonight: what one member's referral earns depends on who was brought, and on who else
-- brought them. A referral that was delivered tonight, or whose referred account belongs to somebody else now, touches
-- its referrer, whom it brought, and everybody else who brought them.
with behaviours as (

    select source, account_id, referred_account_id, load_date
    from {{ ref('int_behaviours') }}
    where referred_account_id is not null

),

links as (

    select * from {{ ref('int_member_links') }}

),

changed_accounts as (

    select distinct source, account_id from {{ ref('int_link_changes') }}

),

pairs as (

    select
        referrer.member_id as referrer_id,
        referred.member_id as referred_id,
        behaviours.load_date > tonight.previous_date or changed.account_id is not null as is_changed
    from behaviours
    cross join {{ ref('int_tonight') }} as tonight
    left join links as referrer
        on behaviours.source = referrer.source
        and behaviours.account_id = referrer.account_id
    left join links as referred
        on behaviours.source = referred.source
        and behaviours.referred_account_id = referred.account_id
    left join changed_accounts as changed
        on behaviours.source = changed.source
        and behaviours.referred_account_id = changed.account_id

),

judged as (

    select referrer_id as member_id from pairs
    where is_changed
    union
    select referred_id from pairs
    where is_changed
    union
    select pairs.referrer_id
    from pairs
    inner join (select distinct referred_id from pairs where is_changed) as brought
        on pairs.referred_id = brought.referred_id

),

members as (

    select * from judged
    where member_id is not null

)

select * from members
