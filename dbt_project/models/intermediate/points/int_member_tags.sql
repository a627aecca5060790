-- The days on which members bear the tags that rules ask for: while what counts reaches what the definition in force
-- asks. Derived from activities alone, so that it is the same on whatever night it is asked.
with counted as (

    select * from {{ ref('int_tagged_orders') }}

),

changes as (

    select member_id, tag, rule_id, from_date as change_date, value from counted
    union all
    select member_id, tag, rule_id, until_date as change_date, -value as value from counted

),

days as (

    select
        member_id,
        tag,
        rule_id,
        change_date,
        sum(value) as value
    from changes
    group by member_id, tag, rule_id, change_date

),

stretches as (

    select
        member_id,
        tag,
        rule_id,
        change_date as from_date,
        lead(change_date) over (partition by member_id, tag, rule_id order by change_date) as until_date,
        sum(value) over (
            partition by member_id, tag, rule_id order by change_date
            rows between unbounded preceding and current row
        ) as total
    from days

),

member_tags as (

    select
        stretches.member_id,
        stretches.tag,
        greatest(stretches.from_date, definitions.valid_from_date) as valid_from_date,
        least(stretches.until_date, definitions.valid_until_date) as valid_until_date,
        stretches.rule_id
    from stretches
    inner join {{ ref('int_rules__tags') }} as definitions
        on stretches.rule_id = definitions.rule_id
        and stretches.from_date < definitions.valid_until_date
        and stretches.until_date > definitions.valid_from_date
    where stretches.total >= coalesce(definitions.orders_at_least, definitions.paid_fen_at_least)

)

select * from member_tags
