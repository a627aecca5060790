with accounts as (

    select * from {{ ref('int_accounts') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

member_accounts as (

    select
        accounts.source,
        accounts.account_id,
        accounts.business,
        links.member_id,
        links.rule,
        accounts.first_seen_date
    from accounts
    inner join links
        on accounts.source = links.source
        and accounts.account_id = links.account_id

)

select * from member_accounts
