-- Where a member has consented to marketing: at one of the accounts of that business.
with accounts as (

    select * from {{ ref('int_accounts') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

consents as (

    select distinct
        links.member_id,
        accounts.business
    from accounts
    inner join links
        on accounts.source = links.source
        and accounts.account_id = links.account_id
    where accounts.is_marketing_consented

)

select * from consents
