/** English as it is written every day, which no table of another language may take for its own. */
export const commonEnglish: readonly string[] = `
  time year people way day man woman child world life hand part place case week company system program question work government
  number night point home water room mother area money story fact month lot right study book eye job word business issue side kind
  head house service friend father power hour game line end member law car city community name president team minute idea body
  information back parent face others level office door health person art war history party result change morning reason research
  girl guy moment air teacher force education video compute general executive attribute environment mandate mandatory reporter
  guardian advance creative creature partner partial attention student future mission station nation station relation
  able bad best better big black certain clear different early easy economic federal free full good great hard high human important
  international large late little local long low major military national new old only open other political possible public real
  recent red right small social special strong sure true white whole young active formal informal normal ordinary typical modern
  again also always away down else ever far fast here just more much never next now often once quite rather really soon still
  together too very well yesterday tomorrow tonight perhaps already
  ask be become begin believe bring call can come could do feel find follow get give go happen have hear help hold keep know learn
  leave let like live look lose make mean meet might move must need pay play provide put run say see seem set should show sit speak
  stand start take talk tell think try turn understand use want watch will work would write
  apple april bottle bread butter camera chair church coffee color compartment contest contestant cookie copper corner cotton
  country course cover credit culture current customer danger data daughter debate decade degree desk detail dinner direction
  doctor dog dollar drama dream dress driver engine evening event evidence example eye factory family farm fashion field figure
  film finger fire fish floor flower food forest frame fruit garden glass gold grass ground group guest hair heart heat hill hole
  horse hospital hotel image income industry interest iron island jacket journey judge kitchen knife ladder lake lamp land
  language leader leg letter library light list machine mail main manner map market match material meal meat member memory method
  middle milk minister mirror model mountain mouth movie museum music nature neck news nose note object ocean officer oil opinion
  orange order page pain paint pair paper pattern pencil period phone photo picture piece pilot pizza plane planet plant plate
  pocket poem police policy position post potato price prison problem process produce product profit project promise property
  purpose quality queen radio rain range record region report rest rice ring river road rock role roof rule safe salad sale salt
  scene school science screen sea season seat secret section sense series shape ship shirt shoe shop shoulder sign signal silver
  simple size skill skin sky sleep smile snow society soil soldier solution son song sound soup source south space speech speed
  sport spring square staff stage star state steel step stomach stone storm street structure style subject success sugar summer
  surface table talent task taste tax tea technology television test theory thing ticket title tool top total touch tour town
  track trade tradition traffic train travel tree trial trip trouble truck trust truth type uncle union unit university user
  valley value vehicle victim view village violence vision visit voice wall weather weight wheel wife wind window wine winter
  wood writer yard zero pagan payee compass compare comprise vendor retire retired borrow stern storm start starter bald bold
  bezel bet better betray over about lunch launch lance fund loss loose lash plan planner`
  .trim()
  .split(/\s+/);

export const englishRequests: readonly string[] = [
  'Please pay the bill for March',
  'Delete the old drafts',
  'Cancel my order and get me a refund',
  'What is on my calendar today?',
  'Send Bob the report',
  'Book a table for two at Bella Vista',
  'Summarize the mails from El Paso',
  'Turn off the lights in the den',
  'Reply to Sara and say yes',
  'Move the meeting to Friday',
  'Create an issue for the flaky test',
  'How many orders did we get last week per day',
  'Average rating per product',
  'Fix the build',
  'Rename a.txt to b.txt',
  'Who is in the call?',
  'Order a pizza from Da Gino',
  'List all files in src',
  'Add Carla to the team channel',
  'Change my password',
  'Run the tests',
  'Invite Maria to dinner on Monday',
  'Buy milk',
  'Show me the weather in Los Angeles',
  'Find the cheapest flight to San Jose',
  'Post the picture of the cat',
  'Remind me to call mom',
  'Check whether the server is up',
  'Read the letter from Van der Berg',
  'Translate the page',
  'Merge the pull request',
  'Mute the group until tomorrow',
  'Set the thermostat to 20 degrees',
  'Open the door for the cleaner',
  'Subscribe to the newsletter',
  'Transfer 20 dollars to Ann',
  'Give Tom access to the folder',
  'Tell Mara that I am late',
  'Play La Bamba for my mother',
  'Write a note about Le Mans',
  'Deploy the app to production',
  'Print the label and mark it as done',
];
