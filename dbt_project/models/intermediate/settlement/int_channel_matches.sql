{{ config(materialized='table') }}

-- Order, payment bill and settlement line (three-way match): each payment at a till beside the channel's bill and the lines
-- of its order; matched where `reason` is NULL, else the one reason why it is not. A bill is of a calendar day, so what a
-- till takes after midnight waits for the bill of the next; the first bill may hold the days before it, too. A table,
-- since three models read it.
with tenders as (

    select
        *,
        1 as place
    from {{ ref('int_mall__channel_tenders') }}

),

trades as (

    select * from {{ ref('int_payments__channel_trades') }}

),

bills as (

    select
        business_date as bill_date,
        count_if(not is_gap) > 0 as is_there
    from {{ ref('fct_delivery_calendar') }}
    where source = 'payments'
    group by business_date

),

last_bill as (

    select coalesce(max(case when is_there then bill_date end), cast('1900-01-01' as date)) as bill_date
    from bills

),

settled as (

    select distinct activity_id
    from {{ ref('fct_settlement_lines') }}
    where movement_type in ('sale', 'sale_refund') and not is_reversal

),

joined as (

    select
        coalesce(tenders.business, trades.business) as business,
        coalesce(tenders.channel, trades.channel) as channel,
        coalesce(tenders.payment_no, trades.payment_no) as payment_no,
        trades.trade_no,
        tenders.document_no,
        tenders.activity_id,
        coalesce(tenders.merchant_id, trades.merchant_id) as merchant_id,
        coalesce(tenders.business_date, trades.business_date) as business_date,
        cast(tenders.taken_at as date) as bill_date,
        coalesce(tenders.amount_fen, 0) as till_fen,
        coalesce(trades.amount_fen, 0) as bill_fen,
        coalesce(trades.fee_fen, 0) as fee_fen,
        trades.load_date as billed_on,
        tenders.payment_no is not null as is_at_till,
        trades.payment_no is not null as is_in_bill,
        coalesce(trades.place, 1) > 1 as is_again,
        coalesce(tenders.merchant_id <> trades.merchant_id, false) as is_of_another_merchant,
        coalesce(tenders.source_file, trades.source_file) as source_file,
        coalesce(tenders.source_row, trades.source_row) as source_row
    from tenders
    full outer join trades
        on tenders.business = trades.business
        and tenders.channel = trades.channel
        and tenders.payment_no = trades.payment_no
        and tenders.place = trades.place

),

matched as (

    select
        joined.*,
        case
            when joined.is_again then 'billed_twice'
            when not joined.is_at_till then 'not_at_till'
            when not joined.is_in_bill
                and (not coalesce(bills.is_there, true) or joined.bill_date > last_bill.bill_date) then 'bill_awaited'
            when not joined.is_in_bill then 'not_in_bill'
            when joined.till_fen <> joined.bill_fen then 'amount_differs'
            when joined.is_of_another_merchant then 'merchant_differs'
            when settled.activity_id is null then 'not_settled'
        end as reason
    from joined
    cross join last_bill
    left join bills on joined.bill_date = bills.bill_date
    left join settled on joined.activity_id = settled.activity_id

)

select * from matched
