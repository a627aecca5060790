-- What finance has to look at: every payment that till and bill do not say alike, until they do.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

matches as (

    select * from {{ ref('int_channel_matches') }}
    where reason is not null

),

exceptions as (

    select
        {{ row_key(['matches.business', 'matches.channel', 'matches.payment_no', 'matches.trade_no']) }} as exception_id,
        matches.reason,
        matches.business,
        matches.channel as flow,
        matches.business_date,
        cast({{ days_between('matches.business_date', 'tonight.business_date') }} as bigint) as age_days,
        matches.payment_no,
        matches.trade_no,
        matches.document_no,
        matches.merchant_id,
        matches.till_fen,
        matches.bill_fen,
        matches.till_fen - matches.bill_fen as difference_fen,
        matches.source_file,
        matches.source_row
    from matches
    cross join tonight

)

select * from exceptions
