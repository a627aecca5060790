with counted as (

    select * from {{ ref('int_tag_values') }}

),

definitions as (

    select * from {{ ref('int_rules__tags') }}

),

measured as (

    select
        counted.member_id,
        counted.tag,
        definitions.tag_name,
        counted.valid_on_date,
        case when definitions.orders_at_least is not null then 'orders' else 'paid_fen' end as measure,
        cast(case when definitions.orders_at_least is not null then counted.order_count else counted.paid_fen end as bigint)
            as measured_value,
        cast(coalesce(definitions.orders_at_least, definitions.paid_fen_at_least) as bigint) as needed_value,
        counted.rule_id
    from counted
    inner join definitions on counted.rule_id = definitions.rule_id

),

tags as (

    select
        member_id,
        tag,
        tag_name,
        valid_on_date,
        measure,
        measured_value,
        needed_value,
        measured_value >= needed_value as is_held,
        rule_id
    from measured

)

select * from tags
