-- The day on which each touched member joined: the first on which any of their accounts was seen. Only where points
-- lapse on its anniversary.
with accounts as (

    select * from {{ ref('int_accounts') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

anniversary_rules as (

    select count(*) as version_count
    from {{ ref('int_rules__expiry') }}
    where has_anniversary

),

joined as (

    select
        links.member_id,
        min(accounts.first_seen_date) as joined_date
    from links
    inner join anniversary_rules on anniversary_rules.version_count > 0
    inner join accounts
        on links.source = accounts.source
        and links.account_id = accounts.account_id
    group by links.member_id

)

select * from joined
