-- What a clearing account leaves open is the sum of its exceptions, payment by payment.
with explained as (

    select
        business,
        flow,
        business_date,
        sum(till_fen - bill_fen) as explained_fen,
        count(*) as exception_count
    from {{ ref('fct_settlement_exceptions') }}
    where till_fen is not null
    group by business, flow, business_date

),

accounts as (

    select * from {{ ref('fct_clearing_accounts') }}

),

unexplained as (

    select
        accounts.*,
        explained.explained_fen
    from accounts
    left join explained
        on accounts.business = explained.business
        and accounts.flow = explained.flow
        and accounts.business_date = explained.business_date
    where accounts.open_fen <> coalesce(explained.explained_fen, 0)
        or accounts.exception_count <> coalesce(explained.exception_count, 0)

)

select * from unexplained
