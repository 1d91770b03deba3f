"""What the two clubs of the demonstration say, to whom and when. Days count from today, times are the club's own."""

from dataclasses import dataclass, field
from typing import Any

from accounts.permissions import Role

PASSWORD = "riverside"  # noqa: S105  of everybody in the demonstration, which exists beside the sandbox alone


@dataclass(frozen=True)
class Person:
    email: str
    name: str
    role: str


@dataclass(frozen=True)
class Account:
    """A sandbox account to connect. ``key`` is what ideas call it, ``native_id`` what its platform calls it."""

    key: str
    platform: str
    native_id: str
    server: str = ""
    grant: dict[str, Any] = field(default_factory=dict)
    """What is special about its consent, as the sandbox's ``grants`` takes it."""


@dataclass(frozen=True)
class Picture:
    scene: str
    sky: str
    name: str
    alt_text: str


@dataclass(frozen=True)
class CampaignPlan:
    key: str
    name: str
    goal: str
    colour: str
    starts_in_days: int
    ends_in_days: int


@dataclass(frozen=True)
class Idea:
    """One text for several accounts. ``day`` None: a draft in the tray. ``said`` replaces the text for single accounts."""

    accounts: tuple[str, ...]
    text: str
    day: int | None = None
    time: str = "09:00"
    link: str = ""
    pictures: tuple[str, ...] = ()
    campaign: str = ""
    said: dict[str, str] = field(default_factory=dict)
    refused: bool = False
    """The platform refuses it: what a failed post looks like."""


@dataclass(frozen=True)
class Club:
    name: str
    slug: str
    zone: str
    people: tuple[Person, ...]
    accounts: tuple[Account, ...]
    pictures: dict[str, Picture]
    campaigns: tuple[CampaignPlan, ...]
    ideas: tuple[Idea, ...]
    broken: str = ""
    """Account whose owner took the access back at the platform."""


SERVER = "https://social.example"
SITE = "https://riverside.example"

RIVERSIDE = Club(
    name="Riverside Golf Club",
    slug="riverside",
    zone="Europe/Lisbon",
    people=(
        Person("owner@riverside.example", "Olivia Marsh", Role.OWNER),
        Person("admin@riverside.example", "André Duarte", Role.ADMIN),
        Person("marketer@riverside.example", "Marta Nunes", Role.MARKETER),
        Person("agent@riverside.example", "Agnes Lima", Role.AGENT),
        Person("viewer@riverside.example", "Victor Reis", Role.VIEWER),
    ),
    accounts=(
        Account("x", "TWITTER", "2244994945"),
        # Consented to before it was asked for "offline.access": its token ends within days and cannot be renewed.
        Account("shop", "TWITTER", "2244994946", grant={
            "scopes": "tweet.read tweet.write users.read media.write", "expires_in": 4 * 86400,
        }),
        Account("facebook", "FACEBOOK", "104000000000011"),
        Account("juniors", "FACEBOOK", "104000000000012"),
        Account("mastodon", "MASTODON", "109348220000000001", server=SERVER),
    ),
    broken="juniors",
    pictures={
        "dawn": Picture("course", "dawn", "first-light-on-the-fourth.jpg", "The fourth green at first light, mist over the river"),
        "noon": Picture("course", "noon", "the-ninth-at-noon.jpg", "The ninth green under a clear sky, flag in the wind"),
        "dusk": Picture("course", "dusk", "twilight-tee-times.jpg", "The course at dusk, the river dark between the hills"),
        "night": Picture("course", "night", "moonlight-cup.jpg", "A full moon over the eighteenth green"),
        "rain": Picture("course", "rain", "after-the-rain.jpg", "Low clouds over a wet fairway"),
        "clubs": Picture("shop", "dawn", "demo-day-clubs.jpg", "Seven clubs against the wall of the pro shop"),
        "juniors": Picture("course", "noon", "junior-open-practice.jpg", "The practice green on a bright morning"),
    },
    campaigns=(
        CampaignPlan("twilight", "Twilight season", "Fill the tee times after four o'clock", "#d07a3a", -14, 30),
        CampaignPlan("junior", "Junior Open", "Sixty entries by the end of the month", "#1f6f8b", -5, 21),
    ),
    ideas=(
        Idea(("x", "facebook", "mastodon"), "Greens are running at 10.4 today and the river path is dry again. First tee at 7:30, coffee from 7.",
             day=-7, time="08:15", pictures=("dawn",)),
        Idea(("facebook",), "Our head greenkeeper Rui has looked after these fairways for twenty years this week. Say hello when you see the red cap.",
             day=-6, time="17:30"),
        Idea(("x", "mastodon"), "Twilight tee times are open: nine holes after four, half the price, all of the light.",
             day=-6, time="12:00", link=f"{SITE}/twilight", pictures=("dusk",), campaign="twilight"),
        Idea(("juniors", "x"), "Entries for the Junior Open are open. Ages 6 to 18, handicap or not.",
             day=-5, time="10:00", link=f"{SITE}/junior-open", pictures=("juniors",), campaign="junior",
             said={"juniors": "Entries for the Junior Open are open! Ages 6 to 18, with a handicap or without. Every entry gets a practice morning with our pros."}),
        Idea(("facebook", "mastodon"), "Rain overnight, so carts stay on the paths until noon. The course is open and walkers have it best.",
             day=-4, time="07:20", pictures=("rain",)),
        Idea(("x",), "Hole in one! Congratulations to Inês Prata: the 7th, 142 metres, 8-iron. The bell in the bar has been rung.",
             day=-3, time="16:45"),
        Idea(("facebook", "x"), "Members' table on Friday: grilled sea bass, a short talk about the heron colony, and the long view over the eighteenth.",
             day=-3, time="11:00", link=f"{SITE}/members-table"),
        Idea(("facebook", "mastodon", "x"), "Demo day at the pro shop on Saturday: this season's irons, a launch monitor, and no obligation to buy anything.",
             day=-2, time="09:30", pictures=("clubs",)),
        Idea(("x",), "Lost on the 12th: one well-loved putter with a blue grip. It waits at reception.",
             day=-1, time="18:05", refused=True),
        Idea(("facebook",), "Twilight season is filling up: Tuesdays and Thursdays still have room after 16:30.",
             day=-1, time="12:15", link=f"{SITE}/twilight", pictures=("dusk",), campaign="twilight"),
        Idea(("mastodon",), "The herons are back on the third. Please give the reeds a wide berth this month.",
             day=-1, time="08:40"),
        Idea(("x", "facebook"), "Good morning from the first tee. A light north wind, 14 degrees, and two slots left before ten.",
             day=0, time="07:30", pictures=("noon",)),
        Idea(("x", "facebook", "mastodon"), "The terrace stays open tonight until the stars are out. Twilight players, your table is kept.",
             day=0, time="20:30", pictures=("dusk",), campaign="twilight"),
        Idea(("juniors",), "Practice morning for everybody who entered the Junior Open: Saturday at nine, bring shoes with a flat sole.",
             day=1, time="10:00", pictures=("juniors",), campaign="junior"),
        Idea(("x", "mastodon"), "Three slots are left for tomorrow's mixed foursomes. Partners can be found at the bar.",
             day=1, time="15:00"),
        Idea(("shop",), "New in the shop: waterproofs that do not rustle on the backswing.", day=2, time="11:00"),
        Idea(("facebook", "x"), "How the thirteenth was rebuilt: a short walk with the architect on Sunday, 15:00, at the halfway house.",
             day=2, time="09:00", link=f"{SITE}/thirteenth"),
        Idea(("facebook", "x", "mastodon"), "The moonlight cup: nine holes by the full moon, glowing balls, soup afterwards. Thirty places.",
             day=3, time="18:00", pictures=("night",), campaign="twilight"),
        Idea(("juniors", "facebook"), "One week until entries for the Junior Open close.", day=4, time="17:00",
             link=f"{SITE}/junior-open", campaign="junior"),
        Idea(("x",), "Course report: greens 10.6, bunkers raked, the path by the river open on both sides.", day=5, time="07:45"),
        Idea(("facebook", "mastodon"), "Volunteers' morning on the river path with the Friends of the River Path. Gloves and cake are provided.",
             day=6, time="10:30"),
        Idea(("x", "facebook"), "Twilight season, week three: the light is at its best now.", day=7, time="16:00",
             pictures=("dusk",), campaign="twilight"),
        Idea(("facebook", "x"), "Idea: a series on each hole, told by a member who loves it."),
        Idea(("x",), "Winter timetable from the first of the month. Check times with reception before this goes out.", pictures=("rain",)),
        Idea(("mastodon",), "Thank-you note to the greenkeeping team after the storm."),
    ),
)  # fmt: skip

HILLTOP = Club(
    name="Hilltop Tennis Club",
    slug="hilltop",
    zone="Europe/London",
    people=(Person("owner@hilltop.example", "Tom Baker", Role.OWNER),),
    accounts=(
        Account("x", "TWITTER", "2244995001"),
        Account("facebook", "FACEBOOK", "104000000000021"),
    ),
    pictures={"court": Picture("court", "noon", "court-one.jpg", "Court one in the sun, a ball on the baseline")},
    campaigns=(CampaignPlan("ladder", "Winter ladder", "Forty players on the ladder", "#9a3f2b", -10, 40),),
    ideas=(
        Idea(("x", "facebook"), "Court one has been relined. Come and argue about the calls.", day=-2, time="10:00", pictures=("court",)),
        Idea(("facebook",), "The winter ladder starts on Monday. Sign up at the desk.", day=2, time="09:00", campaign="ladder"),
        Idea(("x",), "Doubles night is back on Thursday.", day=4, time="18:00"),
    ),
)  # fmt: skip

CLUBS = (RIVERSIDE, HILLTOP)
