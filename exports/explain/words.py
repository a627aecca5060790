"""How outcomes, entries and changes of tiers are said to a member: one place, as SQL.

Analysts read the words as columns of views in the published database (exports/explain/views.py),
a service desk as the lines of `python -m exports explain`.
"""

from collections.abc import Mapping

OUTCOMES = {
    "awarded": "已得积分",
    "clawed_back": "退款扣回积分",
    "redeemed": "使用积分",
    "opened": "期初积分 (旧系统迁入)",
    "nothing_to_open": "旧系统积分为零, 仅迁入等级",
    "in_legacy_balance": "迁移切换日前的活动, 已计入旧系统余额",
    "order_in_legacy_balance": "原单发生在迁移切换日前, 已计入旧系统余额",
    "unknown_member": "账户尚无会员",
    "negative_points": "旧系统积分为负",
    "repeated_line": "旧系统清单重复行",
    "expired_before_cut_over": "切换日前已过期",
    "migration_not_signed": "规则中没有该业态该日的迁移",
    "returned": "退回已用积分",
    "anonymous": "消费时未出示会员身份",
    "unknown_account": "账户尚未登记",
    "redeemed_without_member": "使用积分时未识别会员",
    "no_rule_in_force": "当日没有生效的积分规则",
    "earns_nothing_by_rule": "此类活动按规则不积分",
    "channel_excluded": "该渠道不积分",
    "discounted": "已享优惠的订单不积分",
    "nothing_paid": "没有实付金额",
    "below_one_point": "不足1积分",
    "order_earned_nothing": "原单没有积分, 无需扣回",
    "nothing_to_claw_back": "扣回不足1积分",
    "order_not_found": "找不到原单",
    "below_least_paid": "未达到活动要求的金额",
    "tier_not_eligible": "会员等级不在活动范围内",
    "birthday_unknown": "会员没有登记生日",
    "not_birthday": "不在会员生日期间",
    "no_mission": "当日没有进行中的任务",
    "no_tag": "会员当日没有活动要求的标签",
    "not_the_nth": "不是活动要求的第几次消费",
    "outranked": "同组活动只取最优惠的一个",
    "cap_reached": "已达到积分上限",
    "referred_account_unknown": "被推荐的账户不存在",
    "referred_oneself": "不能推荐自己",
    "referred_before": "该好友已被推荐过",
    "referred_as_member": "被推荐人此前已推荐过他人, 早已是会员",
}
ENTRIES = {
    "accrual": "积分到账",
    "opening_balance": "期初积分 (旧系统迁入)",
    "pending": "积分待生效",
    "release": "待生效积分已生效",
    "pending_claw_back": "退款扣回待生效积分",
    "redemption": "使用积分",
    "redemption_debt": "使用超出余额, 记欠分",
    "expiry": "积分过期",
    "renewal_out": "积分续期转出",
    "renewal_in": "积分续期转入",
    "last_day": "有效期更新",
    "claw_back": "退款扣回",
    "claw_back_debt": "退款扣回超出余额, 记欠分",
    "restore": "退回已用积分",
    "restore_debt": "退回已用积分, 冲减欠分",
    "restore_refused": "退回积分超出已用, 未受理",
    "debt_repayment": "归还欠分",
    "shortfall": "未能扣回的积分, 由商户承担",
}
TIER_REASONS = {
    "upgrade": "升级",
    "renewal": "保级",
    "downgrade": "降级",
    "reversal": "退款后撤销升级",
    "lock": "锁定等级",
    "migration": "旧系统等级迁入",
}
REVERSED = "case when is_reversal then '冲销 reversed ' else '' end"


def named(column: str, words: Mapping[str, str]) -> str:
    """SQL for a code in Chinese; a code without words stands for itself."""
    cases = " ".join(f"when '{code}' then '{word}'" for code, word in words.items())
    return f"case {column} {cases} else {column} end"


OUTCOME_NAME = named("outcome", OUTCOMES)
ENTRY_NAME = named("entry_type", ENTRIES)
ENTRY_WORDS = f"{REVERSED} || {ENTRY_NAME} || ' (' || entry_type || ')'"
TIER_WORDS = f"""
    {REVERSED} || {named("reason", TIER_REASONS)}
    || case when rule_id is not null then ' 规则 rule ' || rule_id else '' end
"""
MULTIPLIED = """
    ' = 基础 base ' || format('{:,}', base_points)
    || ' × 业态 ' || business_multiplier_percent || '%'
    || ' × ' || tier || ' ' || tier_multiplier_percent || '%, 向下取整'
"""
CLIPPED = """
    ', 封顶扣减 clipped ' || format('{:,}', clipped_points)
    || case when rule = 'base' then ' (业态单笔、每日、每月上限)'
        else ' (活动及所属联合活动的上限)' end
"""
# One outcome in a sentence: what happened, by which numbers, by which rule.
OUTCOME_WORDS = f"""
    {OUTCOME_NAME} || ' (' || outcome || ') ' || format('{{:,}}', points)
    || case when outcome = 'awarded' and business_multiplier_percent is not null
        then {MULTIPLIED} else '' end
    || case when clipped_points > 0 then {CLIPPED} else '' end
    || '  规则 rule ' || coalesce(rule_id, '–')
    || case when tier_rule_id is not null then ', 等级规则 tier rule ' || tier_rule_id else '' end
"""
