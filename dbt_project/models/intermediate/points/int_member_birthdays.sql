-- The birthday of each member for whom a rule asks: that of an account with a checked identity document before any
-- other, then that of the account seen first.
with asked as (

    select distinct member_id
    from {{ ref('int_bonus_candidates') }}
    where birthday_window is not null

),

documents as (

    select distinct source, account_id
    from {{ ref('int_identifiers') }}
    where identifier_type = 'id_document'
        and is_verified

),

ranked as (

    select
        asked.member_id,
        birthdays.birth_month,
        birthdays.birth_day,
        row_number() over (
            partition by asked.member_id
            order by
                case when documents.account_id is null then 1 else 0 end,
                accounts.first_seen_date nulls last,
                links.source,
                links.account_id
        ) as place
    from asked
    inner join {{ ref('int_member_links') }} as links on asked.member_id = links.member_id
    inner join {{ ref('int_account_birthdays') }} as birthdays
        on links.source = birthdays.source
        and links.account_id = birthdays.account_id
        and birthdays.birth_month is not null
    left join {{ ref('int_accounts') }} as accounts
        on links.source = accounts.source
        and links.account_id = accounts.account_id
    left join documents
        on links.source = documents.source
        and links.account_id = documents.account_id

),

members as (

    select
        member_id,
        birth_month,
        birth_day
    from ranked
    where place = 1

)

select * from members
