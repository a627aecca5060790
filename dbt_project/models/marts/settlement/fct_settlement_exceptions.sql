-- What finance has to look at: every payment that till and bill do not say alike, and every split that instruction
-- and split bill do not, until they do; and what else was found.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

found as (

    select
        {{ row_key(['business', 'channel', 'payment_no', 'trade_no']) }} as exception_id,
        reason,
        cast(null as string) as detail,
        business,
        channel as flow,
        business_date,
        true as is_open,
        payment_no,
        trade_no,
        document_no,
        merchant_id,
        1 as case_count,
        cast(null as bigint) as points,
        till_fen,
        cast(null as bigint) as instructed_fen,
        bill_fen,
        case when till_fen = bill_fen then till_fen else till_fen - bill_fen end as amount_fen,
        source_file,
        source_row
    from {{ ref('int_channel_matches') }}
    where reason is not null
    union all
    select
        {{ row_key(['business', 'channel', 'payment_no', 'receiver_party']) }} as exception_id,
        reason,
        cast(null as string) as detail,
        business,
        channel as flow,
        business_date,
        true as is_open,
        payment_no,
        wechat_order_no as trade_no,
        document_no,
        substring(receiver_party, position('/' in receiver_party) + 1) as merchant_id,
        1 as case_count,
        cast(null as bigint) as points,
        cast(null as bigint) as till_fen,
        open_fen + billed_fen as instructed_fen,
        billed_fen as bill_fen,
        open_fen as amount_fen,
        source_file,
        source_row
    from {{ ref('int_split_matches') }}
    where reason is not null
    union all
    select
        {{ row_key(['reason', 'subject']) }} as exception_id,
        reason,
        detail,
        business,
        cast(null as string) as flow,
        business_date,
        is_open,
        cast(null as string) as payment_no,
        cast(null as string) as trade_no,
        document_no,
        merchant_id,
        case_count,
        points,
        cast(null as bigint) as till_fen,
        cast(null as bigint) as instructed_fen,
        cast(null as bigint) as bill_fen,
        amount_fen,
        source_file,
        source_row
    from {{ ref('int_settlement_findings') }}

),

exceptions as (

    select
        found.exception_id,
        found.reason,
        found.detail,
        found.business,
        found.flow,
        found.business_date,
        cast({{ days_between('found.business_date', 'tonight.business_date') }} as bigint) as age_days,
        found.is_open,
        found.payment_no,
        found.trade_no,
        found.document_no,
        found.merchant_id,
        cast(found.case_count as bigint) as case_count,
        found.points,
        found.till_fen,
        cast(found.instructed_fen as bigint) as instructed_fen,
        cast(found.bill_fen as bigint) as bill_fen,
        cast(found.amount_fen as bigint) as amount_fen,
        found.source_file,
        found.source_row
    from found
    cross join tonight

)

select * from exceptions
