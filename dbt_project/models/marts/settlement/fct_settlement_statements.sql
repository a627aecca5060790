with sides as (

    select * from {{ ref('int_settlement_sides') }}

),

statements as (

    select
        period_month,
        party,
        movement_type,
        count(*) as line_count,
        cast(sum(points) as bigint) as points,
        cast(sum(receivable_fen) as bigint) as receivable_fen,
        cast(sum(payable_fen) as bigint) as payable_fen,
        cast(sum(receivable_fen) - sum(payable_fen) as bigint) as net_fen,
        cast(sum(receivable_tax_fen) as bigint) as receivable_tax_fen,
        cast(sum(payable_tax_fen) as bigint) as payable_tax_fen,
        cast(sum(receivable_tax_fen) - sum(payable_tax_fen) as bigint) as net_tax_fen
    from sides
    group by period_month, party, movement_type

)

select * from statements
