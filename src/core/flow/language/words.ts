/**
 * General English words of action, each as it stands in a dictionary; `stem` folds their forms. Nothing here is taken from the
 * names of any one set of tools: what a list does not know counts as destructive.
 */
import { stem } from './stem.ts';

const stems = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/).map(stem));

/** Verbs that only look. */
export const readVerbs = stems(`
  get list read search find view show look query check describe count calculate compute lookup retrieve return see
  inspect preview compare summarize summarise analyze analyse display examine track monitor peek browse
  fetch query estimate convert translate parse detect measure explain tell provide filter sort suggest
  recommend assess decode geocode transcribe predict forecast is has can whoami ping head stat tail grep diff ls pwd wc du df cat glob obtain determine validate hover scroll screenshot snapshot`);

/** By themselves, behind what they are done to: "orders.get", "pages/list". As they are written; "read" may as well be what a message is marked. */
export const looksPlainly: ReadonlySet<string> = new Set(
  'get list find search view lookup query describe fetch retrieve inspect'.split(' '),
);

/** Verbs that fetch from an address, when there is one among the arguments. */
export const fetchVerbs = stems(
  'visit browse open navigate crawl scrape download fetch load goto follow request access clone',
);

/** Verbs that add something, harmless while what they add stays here. */
export const localVerbs = stems(`
  create add make put save download clone copy draft note store login mkdir touch bookmark star new authenticate
  logout signin duplicate generate plot draw render log record remember cp`);

/** What stays here when it is added. */
export const localNouns = stems(`
  file doc document dir directory folder cart basket wishlist draft note todo bookmark favorite favourite node playlist reminder
  memory scratchpad checklist image figure plot chart picture local login session`);

/** Reaching others, changing or ending what exists, paying, running, letting in. */
export const sinkVerbs = stems(`
  send email mail message reply forward write notify inform post publish tweet comment announce broadcast share
  pay transfer wire remit deposit withdraw donate fund refund charge settle buy purchase order rebuy reorder checkout sell
  trade book reserve schedule reschedule invite rsvp accept decline approve reject confirm
  delete remove clear erase drop clean discard empty trash purge wipe destroy cancel revoke undo void terminate kill stop
  update change edit modify rename set reset move replace adjust patch overwrite toggle
  enable disable activate deactivate archive merge close assign mark
  run execute exec eval deploy launch restart reboot install uninstall trigger invoke dispatch
  grant allow authorize authorise permit elevate promote demote ban block mute follow subscribe unsubscribe
  submit fill input upload push sync export register enroll apply sign upsert insert import attach call dial text hire lock unlock append click drag
  encrypt format rotate mount format sudo print type enter press tap rate review vote rm rmdir mv chmod chown
  turn transition scale upgrade downgrade pause resume freeze unfreeze suspend kick label arm disarm dim snooze
  restore revert rollback recover join leave exchange swap start initiate`);

/** Nouns as often as verbs: only in front do they say what a tool does. */
export const nounsToo = stems(`
  order post message comment email mail transfer share book fund charge trade export import report record note log call
  text rate review vote lock mount sign print type input block mark format draft bookmark plot star play file list
  view search query count check access total contact schedule update change set reset edit move invite fill request track
  filter copy run trigger access stat head tail rsvp apply push sync patch cat contact reply label turn pause return scale upgrade transition snapshot leave
  exchange swap start`);

/** What a name says that is only looked at: "order history". */
export const readNouns = stems(`
  history status list info information detail total count balance summary statistics metric time date day weather profile
  version content metadata rating price result overview report availability`);

/** An argument of this name carries a program. */
export const programWords = stems(
  'sql code command cmd script shell program expression statement bash python javascript',
);

export type Family =
  | 'message'
  | 'pay'
  | 'purchase'
  | 'book'
  | 'delete'
  | 'cancel'
  | 'change'
  | 'move'
  | 'password'
  | 'execute'
  | 'grant'
  | 'publish'
  | 'submit'
  | 'save';

/** Never widened by what somebody writes, not even a person whom the user named. */
export const guardedFamilies: ReadonlySet<Family> = new Set<Family>(['pay', 'password', 'delete', 'execute', 'grant']);

/** Words of a request (and verbs of a tool) that speak of a family of action. */
export const familyWords: Readonly<Record<Family, ReadonlySet<string>>> = {
  message:
    stems(`send email mail message reply respond answer forward write tell notify inform contact text greet thank remind
    ask invite dm ping share deliver mention broadcast announce call comment say explain confirm welcome congratulate apologize apologise
    invite know warn`),
  pay: stems(
    'pay payment transfer wire remit deposit withdraw donate fund topup settle reimburse repay tip rent bill fee invoice charge',
  ),
  purchase: stems('buy purchase order rebuy reorder checkout shop acquire procure snag subscribe rent sell trade get'),
  book: stems(`book reserve reservation schedule reschedule calendar appointment meeting event plan arrange organize organise rsvp
    invite slot booking dinner lunch accept decline setup`),
  delete: stems(
    'delete remove clear erase drop clean discard empty trash purge wipe destroy rid uninstall terminate kill throw toss',
  ),
  cancel: stems(
    'cancel refund return revoke undo void decline withdraw unsubscribe stop abort terminate end retract rescind scrap nix annul',
  ),
  change:
    stems(`update change edit modify rename set reset replace adjust fix correct patch increase decrease raise lower mark
    toggle enable disable activate deactivate close reopen assign switch configure move reschedule postpone append add insert
    merge archive lock unlock finish complete turn refactor implement improve rewrite extend enter register fill note integrate incorporate
    record save write put resolve solve finalize finalise engage release
    transition scale upgrade downgrade pause resume freeze unfreeze suspend label arm disarm warm cool snooze mute brighten lower`),
  move: stems('move rename organize organise sort archive transfer put save store relocate'),
  password: stems('password passcode passphrase credential pin secret passwd'),
  execute: stems(
    'run rerun retry execute exec eval deploy redeploy launch start restart reboot install trigger invoke script command build test compile',
  ),
  grant: stems(
    'grant share permission access authorize authorise allow role member admin collaborator invite add permit join onboard promote',
  ),
  publish: stems(
    'publish post comment tweet retweet repost upload reply announce review release submit push blog article rate vote advertise advert',
  ),
  submit:
    stems(`submit fill complete apply register enroll sign reserve book visit open login log comment post subscribe request
    enter form answer finish website webpage page pay refill refuel replenish`),
  save: stems(
    'save implement produce prepare report raise write create store put export record note draft generate append copy make document file add set enter log open commit remind reminder remember',
  ),
};

/** The object that makes a general verb mean more: money sent is paid. */
export const familyOfNoun: ReadonlyMap<string, Family> = new Map(
  (
    [
      ['pay', 'money payment transaction transfer payout fund'],
      ['password', 'password passcode passphrase credential pin'],
      ['book', 'calendar event meeting appointment reservation'],
      ['purchase', 'checkout purchase'],
      ['grant', 'permission role access collaborator member'],
      ['message', 'message mail email letter sms dm reply comment'],
      ['publish', 'post tweet review'],
      ['save', 'note task todo reminder'],
    ] as const
  ).flatMap(([family, nouns]) => nouns.split(' ').map((noun) => [stem(noun), family] as const)),
);

/** Words that say nothing about what is meant. */
export const emptyWords: ReadonlySet<string> = new Set(
  `a about above after again all also am an and any are as at be because been before being below between both but by can could
  dear did do does doing down during each few for from further had has have having he hello her here hers hi him his how i if in
  into is it its itself just let me more most my myself no nor not now of off on once only or other our out over own please re
  same she should so some such than that the their them then there these they this those through to too under until up us very
  via want was we were what when where which while who whom why will with would you your yours today tomorrow yesterday`.split(
    /\s+/,
  ),
);
