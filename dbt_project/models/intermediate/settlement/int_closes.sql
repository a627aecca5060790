-- What was written down when each version of a month was frozen, one row a party.
with closes as (

    select
        period_month,
        party,
        opening_fen,
        receivable_fen,
        payable_fen,
        closing_fen,
        statement_version
    from {{ source('closes', 'closes') }}

)

select * from closes
