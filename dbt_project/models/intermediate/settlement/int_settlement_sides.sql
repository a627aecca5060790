-- Every line twice: receivable for its payee, payable for its payer. Both sides carry the same line id. Lines are asked
-- for twice by their own name: what a query names twice, DuckDB keeps whole.
with sides as (

    select
        payee_party as party,
        payer_party as counterparty,
        line_id,
        posted_date,
        period_month,
        movement_type,
        points,
        amount_fen as receivable_fen,
        cast(0 as bigint) as payable_fen,
        tax_fen as receivable_tax_fen,
        cast(0 as bigint) as payable_tax_fen
    from {{ ref('fct_settlement_lines') }}
    union all
    select
        payer_party as party,
        payee_party as counterparty,
        line_id,
        posted_date,
        period_month,
        movement_type,
        points,
        cast(0 as bigint) as receivable_fen,
        amount_fen as payable_fen,
        cast(0 as bigint) as receivable_tax_fen,
        tax_fen as payable_tax_fen
    from {{ ref('fct_settlement_lines') }}

)

select * from sides
