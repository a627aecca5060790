-- Split instruction ↔ line of the split bill: matched where `reason` is NULL, else the one reason why it is not. What is
-- instructed tonight is sent tomorrow and stands in tomorrow's bill; the channel leaves out what failed. What breaks a
-- limit is never sent, so no bill can have it, and its status is its reason. Nothing is missed before the first bill.
with tonight as (

    select * from {{ ref('int_tonight') }}

),

instructions as (

    select * from {{ ref('int_split_instructions') }}

),

bills as (

    select
        business_date as bill_date,
        count_if(not is_gap) > 0 as is_there
    from {{ ref('fct_delivery_calendar') }}
    where source = 'splits'
    group by business_date

),

last_bill as (

    select max(bill_date) as bill_date
    from bills
    where is_there

),

sides as (

    select
        *,
        {{ add_days('issued_date', '1') }} as due_bill_date,
        max(case when is_instructed and billed_fen = 0 and open_fen > 0 then 1 else 0 end)
            over (partition by channel, payment_no) = 1 as is_one_unpaid,
        max(case when not is_instructed and billed_fen <> 0 then 1 else 0 end)
            over (partition by channel, payment_no) = 1 as is_one_uninstructed
    from instructions

),

matched as (

    select
        sides.*,
        case
            when open_fen = 0 then null
            when not is_instructed and is_one_unpaid then 'split_receiver_differs'
            when not is_instructed then 'split_not_instructed'
            when billed_fen = 0 and is_one_uninstructed then 'split_receiver_differs'
            when issued_date >= tonight.business_date or last_bill.bill_date is null then null
            when billed_fen = 0 and status <> 'ready' then null
            when not coalesce(bills.is_there, true) or due_bill_date > last_bill.bill_date then 'split_outstanding'
            when billed_fen = 0 then 'split_failed'
            else 'split_amount_differs'
        end as reason
    from sides
    cross join tonight
    cross join last_bill
    left join bills on sides.due_bill_date = bills.bill_date

)

select * from matched
