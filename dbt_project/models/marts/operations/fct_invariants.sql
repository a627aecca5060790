-- What must hold before anything is published (ARCHITECTURE, "Invariants"). The verify step refuses the night when
-- a violation is counted here.
with invariants as (

    select
        'I1' as invariant,
        '每笔积分分录借贷平衡' as description,
        checked_count,
        violation_count
    from {{ ref('int_i1_postings_balance') }}
    union all
    select
        'I2' as invariant,
        '发放=核销+过期+扣回+余额，批次余额不越界' as description,
        checked_count,
        violation_count
    from {{ ref('int_i2_balances_explained') }}
    union all
    select
        'I3' as invariant,
        '各业务与基金结算合计为零（按日、按月）' as description,
        checked_count,
        violation_count
    from {{ ref('int_i3_settlement_sums_to_zero') }}
    union all
    select
        'I4' as invariant,
        '每一分钱恰好分摊一次' as description,
        checked_count,
        violation_count
    from {{ ref('int_i4_every_fen_allocated') }}
    union all
    select
        'I5' as invariant,
        '期初等于上期期末，已关账月份不变' as description,
        checked_count,
        violation_count
    from {{ ref('int_i5_opening_is_closing') }}
    union all
    select
        'I6' as invariant,
        '收到行数=入库+重复+被更正+隔离' as description,
        checked_count,
        violation_count
    from {{ ref('int_i6_rows_accounted_for') }}
    union all
    select
        'I7' as invariant,
        '分录可追溯到来源行与规则，每笔活动有唯一结果' as description,
        checked_count,
        violation_count
    from {{ ref('int_i7_entries_traceable') }}
    union all
    select
        'I8' as invariant,
        '结算单合计=明细=积分账' as description,
        checked_count,
        violation_count
    from {{ ref('int_i8_statements_equal_ledger') }}
    union all
    select
        'I9' as invariant,
        '过度归并不发布：多姓名会员占比与最大会员增长均在限内' as description,
        checked_count,
        violation_count
    from {{ ref('int_i9_no_over_merge') }}
    union all
    select
        'I10' as invariant,
        '旧系统余额=期初入账+例外' as description,
        checked_count,
        violation_count
    from {{ ref('int_i10_legacy_balances_accounted_for') }}
    union all
    select
        'I11' as invariant,
        '今夜变动会员的积分逐日、逐批次守恒' as description,
        checked_count,
        violation_count
    from {{ ref('int_i11_points_conserved') }}

),

typed as (

    select
        invariant,
        description,
        cast(checked_count as bigint) as checked_count,
        cast(violation_count as bigint) as violation_count
    from invariants

)

select * from typed
