"""Names of the demo group: surnames and given-name characters with pinyin and traditional form.

Public knowledge, written down roughly: the order of the lists carries the frequencies. Nobody's
data is copied.
"""

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

# Surname, pinyin, share in per cent (rounded, public), traditional form where it differs.
SURNAMES = """
王wang7.4 李li7.3 张zhang7.0張 刘liu5.3劉 陈chen4.6陳 杨yang3.3楊 黄huang2.3黃 赵zhao2.1趙
吴wu2.0吳 周zhou2.0 徐xu1.5 孙sun1.5孫 朱zhu1.3 马ma1.3馬 胡hu1.2 郭guo1.15 何he1.1 高gao1.0
罗luo1.0羅 林lin1.0 郑zheng.9鄭 梁liang.85 谢xie.75謝 宋song.7 唐tang.7 韩han.65韓 许xu.65許
冯feng.6馮 邓deng.6鄧 曹cao.6 彭peng.6 曾zeng.55 肖xiao.55 田tian.55 董dong.5 袁yuan.5 于yu.5
潘pan.5 蒋jiang.5蔣 杜du.5 蔡cai.5 余yu.5 程cheng.45 魏wei.45 叶ye.45葉 吕lv.45呂 丁ding.45
苏su.45蘇 任ren.4 沈shen.4 姚yao.4 姜jiang.4 卢lu.4盧 崔cui.4 钟zhong.4鍾 谭tan.4譚 汪wang.4
范fan.4 陆lu.35陸 金jin.35 石shi.35 廖liao.35 贾jia.35賈 夏xia.35 付fu.3 方fang.3 韦wei.3韋
邹zou.3鄒 白bai.3 熊xiong.3 孟meng.3 秦qin.3 邱qiu.3 尹yin.25 江jiang.25 薛xue.25 闫yan.25閆
侯hou.25 段duan.25 雷lei.25 史shi.2 龙long.2龍 陶tao.2 顾gu.2顧 贺he.2賀 黎li.2 郝hao.2 毛mao.2
邵shao.2 龚gong.2龔 万wan.2萬 钱qian.2錢 武wu.2 严yan.2嚴 戴dai.2 孔kong.2 常chang.2 汤tang.2湯
康kang.15 欧阳ouyang.1歐陽
"""

# Given-name characters in falling frequency: by sex and by when the person was born.
GIVEN_CHARACTERS = {
    (
        "male",
        "before 1970",
    ): "国建华明文军平志林德成永海玉春生荣金福学庆忠贵祥兴云清光正新义宝世昌和万良元发民才友仁",
    (
        "male",
        "1970 to 1994",
    ): "伟军强勇杰涛超明辉鹏磊刚峰斌波亮飞龙海文志华林建俊东晓宇凯浩洋松宁旭晨博毅震健家振洪锋坤",
    (
        "male",
        "since 1995",
    ): "宇杰浩文俊博涛泽嘉豪轩子然涵晨睿瑞铭梓航昊天一辰皓霖逸阳志远明哲奕安乐思鑫翔佑熙恒煜",
    (
        "female",
        "before 1970",
    ): "英秀玉兰珍桂凤华芳梅淑荣香云花美金琴霞红素春莲翠菊萍爱月丽珠芝琼秋彩娥芬",
    (
        "female",
        "1970 to 1994",
    ): "丽艳红小燕霞芳玲梅敏静娟娜婷慧琳晶颖洁雪倩薇璐丹莹媛佳欣蕾晓文春海萍芬琴美玉莎",
    (
        "female",
        "since 1995",
    ): "佳雨欣婷怡梦慧思雅静雪涵子梓诗萱语彤可馨一诺若琪悦心瑶依晨妍菲宁清安月艺紫钰琳洋菡珊",
}
RARE_CHARACTERS = "䶮㛃𬱖"  # outside GBK: four bytes in GB18030

CHARACTERS = """
国guo國 建jian 华hua華 明ming 文wen 军jun軍 平ping 志zhi 林lin 德de 成cheng 永yong 海hai 玉yu
春chun 生sheng 荣rong榮 金jin 福fu 学xue學 庆qing慶 忠zhong 贵gui貴 祥xiang 兴xing興 云yun雲
清qing 光guang 正zheng 新xin 义yi義 宝bao寶 世shi 昌chang 和he 万wan萬 伟wei偉 强qiang強 勇yong
杰jie傑 涛tao濤 超chao 辉hui輝 鹏peng鵬 磊lei 刚gang剛 峰feng 斌bin 波bo 亮liang 飞fei飛
龙long龍 俊jun 东dong東 晓xiao曉 宇yu 凯kai凱 浩hao 洋yang 松song 宁ning寧 旭xu 晨chen 博bo 毅yi
震zhen 健jian 泽ze澤 嘉jia 豪hao 轩xuan軒 子zi 然ran 涵han 睿rui 瑞rui 铭ming銘 梓zi 航hang
昊hao 天tian 一yi 辰chen 皓hao 霖lin 逸yi 阳yang陽 远yuan遠 哲zhe 奕yi 安an 乐le樂 思si 英ying
秀xiu 兰lan蘭 珍zhen 桂gui 凤feng鳳 芳fang 梅mei 淑shu 香xiang 花hua 美mei 琴qin 霞xia 红hong紅
素su 莲lian蓮 翠cui 菊ju 萍ping 爱ai愛 月yue 丽li麗 珠zhu 艳yan艷 小xiao 燕yan 玲ling 敏min
静jing靜 娟juan 娜na 婷ting 慧hui 琳lin 晶jing 颖ying穎 洁jie潔 雪xue 倩qian 薇wei 璐lu 丹dan
莹ying瑩 媛yuan 佳jia 欣xin 蕾lei 雨yu 怡yi 梦meng夢 雅ya 诗shi詩 萱xuan 语yu語 彤tong 可ke
馨xin 诺nuo諾 若ruo 琪qi 悦yue悅 心xin 瑶yao瑤 依yi 妍yan 菲fei 艺yi藝 良liang 元yuan 发fa發
民min 才cai 友you 仁ren 家jia 振zhen 洪hong 锋feng鋒 坤kun 鑫xin 翔xiang 佑you 熙xi 恒heng 煜yu
芝zhi 琼qiong瓊 秋qiu 彩cai 娥e 芬fen 莎sha 紫zi 钰yu鈺 菡han 珊shan 䶮yan 㛃jie 𬱖di頔
"""

FIRST_YEAR_OF_PERIOD = (0, 1970, 1995)
ONE_CHARACTER_SHARE = (0.10, 0.36, 0.12)  # of given names, by when the person was born
SEXES = ("male", "female")
PERIODS = ("before 1970", "1970 to 1994", "since 1995")

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class NameParts:
    """One kind of name part; entry 0 of the given-name characters is "no character".

    simplified, pinyin, traditional: text of each entry. weights: relative frequency.
    """

    simplified: pl.Series
    pinyin: pl.Series
    traditional: pl.Series
    weights: npt.NDArray[np.float64]


def _parse(table: str) -> list[tuple[str, str, float, str]]:
    entries = []
    for word in table.split():
        parts = re.fullmatch(r"([^a-z]+)([a-z]+)([.\d]*)(.*)", word)
        assert parts is not None, word
        simplified, pinyin, weight, traditional = parts.groups()
        entries.append((simplified, pinyin, float(weight or 0), traditional or simplified))
    return entries


def surnames() -> NameParts:
    """The surnames with their weights."""
    simplified, pinyin, weights, traditional = zip(*_parse(SURNAMES), strict=True)
    return NameParts(
        pl.Series(simplified), pl.Series(pinyin), pl.Series(traditional), np.array(weights)
    )


def characters() -> NameParts:
    """All given-name characters; entry 0 is the missing second character. Weights are unused."""
    simplified, pinyin, weights, traditional = zip(
        ("", "", 0.0, ""), *_parse(CHARACTERS), strict=True
    )
    return NameParts(
        pl.Series(simplified), pl.Series(pinyin), pl.Series(traditional), np.array(weights)
    )


def character_numbers(text: str, parts: NameParts) -> Ints:
    """Entry numbers of the characters of a text, in its order."""
    numbers = {character: number for number, character in enumerate(parts.simplified.to_list())}
    return np.array([numbers[character] for character in text], dtype=np.int64)


def sounds_alike(parts: NameParts) -> Ints:
    """For each entry the next one with the same pinyin: what a tired clerk types instead.

    An entry whose sound is alone is followed by its neighbour in the table.
    """
    pinyin = parts.pinyin.to_list()
    count = len(pinyin)
    other = np.zeros(count, dtype=np.int64)
    for number in range(1, count):
        following = [(number + step) % count for step in range(1, count)]
        same = [entry for entry in following if entry and pinyin[entry] == pinyin[number]]
        other[number] = same[0] if same else number % (count - 1) + 1
    return other
