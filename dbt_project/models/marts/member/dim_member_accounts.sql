with accounts as (

    select * from {{ ref('int_accounts') }}

),

links as (

    select * from {{ ref('int_member_links') }}

),

held_links as (

    select * from {{ ref('int_held_links') }}

),

held_accounts as (

    select low_source as source, low_account_id as account_id
    from held_links
    where reason = 'member_limit'
    union
    select high_source as source, high_account_id as account_id
    from held_links
    where reason = 'member_limit'

),

member_accounts as (

    select
        accounts.source,
        accounts.account_id,
        accounts.business,
        links.member_id,
        links.rule,
        held_accounts.account_id is not null as is_held,
        accounts.first_seen_date
    from accounts
    inner join links
        on accounts.source = links.source
        and accounts.account_id = links.account_id
    left join held_accounts
        on accounts.source = held_accounts.source
        and accounts.account_id = held_accounts.account_id

)

select * from member_accounts
