with written as (

    {{ resolved_tonight('member_households') }}

),

households as (

    select
        household_id,
        count(*) as household_member_count
    from written
    group by household_id

),

member_households as (

    select
        written.member_id,
        written.household_id,
        households.household_member_count,
        written.shares_address,
        written.shares_plate,
        written.shares_mobile
    from written
    inner join households on written.household_id = households.household_id

)

select * from member_households
