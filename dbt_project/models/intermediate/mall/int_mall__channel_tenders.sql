-- What the tills took by a payment channel that sends a bill, each tender under the name that the channel knows it by.
-- Of every night, since a payment may wait for its bill.
with tenders as (
{{ latest_version(source('pos', 'tenders'), ['receipt_no', 'tender_no']) }}
),

receipts as (

    select * from {{ ref('int_activities') }}
    where source = 'pos' and activity_type in ('purchase', 'refund')

),

taken as (

    select
        'mall' as business,
        'wechat' as channel,
        tenders.receipt_no || '-' || cast(tenders.tender_no as string) as payment_no,
        tenders.receipt_no as document_no,
        receipts.activity_id,
        receipts.merchant_id,
        receipts.occurred_at as taken_at,
        coalesce(receipts.business_date, tenders.load_date) as business_date,
        tenders.amount_fen,
        tenders._source_file as source_file,
        tenders._source_row as source_row
    from tenders
    left join receipts on tenders.receipt_no = receipts.document_no
    where tenders.tender_type = 'wechat'

)

select * from taken
