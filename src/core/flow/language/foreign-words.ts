/**
 * What people ask for in German, Spanish, French, Italian, Portuguese and Dutch: general words of action as a dictionary has them,
 * in small letters, without accents, a German umlaut as two letters. `loesch*`: every word that begins so. `paga`: that word, with
 * its usual endings. `stell>ein`: a verb and, where its clause ends, what was parted from it. `gib+zugriff`: both in one sentence.
 * A capital letter: a German noun. What is never widened (to pay, delete, execute, grant, a password) is asked for by a verb alone.
 */
import type { Family } from './words.ts';

export const languages = ['german', 'spanish', 'french', 'italian', 'portuguese', 'dutch'] as const;
export type Language = (typeof languages)[number];

const money = 'euro|euros|eur|geld|dollar|dollars|usd|chf|franken';
const dinero = 'euro|euros|dinero|dolares|pesos|dollar';
const argent = 'euro|euros|argent|dollars|dollar|francs';
const soldi = 'euro|soldi|dollari|dollar|denaro';
const dinheiro = 'euro|euros|dinheiro|reais|dollar|dolares';

export const foreignWords: Readonly<Record<Family, Readonly<Record<Language, string>>>> = {
  message: {
    german: `schreib* send schick antwort* beantwort* benachrichtig* informier* mitteil* mitzuteil* mitgeteil* teil>mit
      sag+bescheid gib+bescheid sag+dass richt>aus auszuricht* ruf>an anruf* anzuruf* frag erinner* bedank* gratulier* leit>weiter weiterleit*
      weiterzuleit* lad>ein einlad* einzulad* maile mailen kontaktier* poste+kanal|channel|chat|slack Nachricht*`,
    spanish: `escrib* envia envie enviar manda mande mandar responde responda responder contesta conteste contestar avisa avise avisar
      informa informar notifica notifique notificar dile diles digale llama llame llamar pregunta pregunte preguntar reenvi* recuerdale
      recordar invita invite invitar contacta contactar agradec* mensaje* correo* comparte compartir`,
    french: `ecris ecrire ecrivez envoie envoi* envoye* reponds repond* previen* preveni* informe informer informez notifie notifier
      appelle appeler appelez demande demandez demander dis+lui dis+leur transfere transferer transferez rappelle rappeler remerci* invite inviter
      invitez contacte contacter courriel* partage partager partagez`,
    italian: `scriv* invia inviare inviate manda mandare rispond* avvis* avvert* informa informare notifica notificare digli dille chiama
      chiamare chiedi chiedere chiedigli inoltra* ricorda ricordare ringrazia* invita invitare contatta contattare messaggi* condividi
      condividere`,
    portuguese: `escrev* envia enviar envie manda mandar mande responde responder responda avisa avisar avise informa informar informe
      notifica notificar diga+que liga+para ligue+para pergunt* encaminh* lembra lembre lembrar agradec* convid* mensage*
      contacta contatar compartilh* partilh*`,
    dutch: `schrijf* schrijv* stuur sturen verstuur* verzend* antwoord* beantwoord* mail mailen laat>weten zeg+dat zeg+tegen vertel*
      informeer* bel bellen vraag vragen herinner* bedank* nodig>uit uitnodig* bericht* doorstur* stuur>door`,
  },
  pay: {
    german: `ueberweis bezahl zahle zahlen zahl>zurueck zurueckzahl* zurueckzuzahl* begleich* spende spenden
      mach+ueberweisung taetig+ueberweisung veranlass+ueberweisung schick+${money} send+${money} gib+${money} ueberweis+${money}`,
    spanish: `paga pague pagar abona abone abonar dona done donar transfier*+${dinero} transferir+${dinero} haz+transferencia
      hacer+transferencia envia+${dinero} manda+${dinero} enviar+${dinero} mandar+${dinero}`,
    french: `paie paies paye payer payez rembourse+${argent} regle+facture regler+facture reglez+facture regle+loyer regler+loyer vire+${argent}
      virer+${argent} verse+${argent} verser+${argent} fais+virement faire+virement effectue+virement envoie+${argent} envoyer+${argent}`,
    italian: `paga pagare pagate salda saldare bonifica versa+${soldi} versare+${soldi} trasferisci+${soldi} trasferire+${soldi}
      fai+bonifico fare+bonifico manda+${soldi} mandare+${soldi} invia+${soldi} inviare+${soldi} dona donare`,
    portuguese: `paga pague pagar quita+fatura transfere+${dinheiro} transferir+${dinheiro} transfira+${dinheiro} faz+transferencia
      faca+transferencia envia+${dinheiro} enviar+${dinheiro} envie+${dinheiro} manda+${dinheiro} mande+${dinheiro} doa doar`,
    dutch: `betaal betalen maak>over overmak* schrijf>over overschrijv* stort+euro|geld storten+euro|geld stuur+euro|geld
      doneer doneren`,
  },
  purchase: {
    german: `kauf bestell nachbestell* einkauf einzukauf* kauf>ein besorg verkauf tausch+gegen`,
    spanish: `compra compre comprar pide pida pedir encarga encargue encargar adquier* vende venda vender pedido*`,
    french: `achet* commande commander commandez vends vendre vendez`,
    italian: `compra comprare acquist* ordina ordinare vendi vendere ordine`,
    portuguese: `compra compre comprar encomend* pede peca vende venda vender pedido*`,
    dutch: `koop kopen bestel bestellen verkoop* nabestel* bestelling*`,
  },
  book: {
    german: `buch reservier* vereinbar plane planen einplan* lad>ein einlad* einzulad* verschieb* verleg vorverleg* Termin Termine Terminen Termins Besprechung*
      Treffen Meeting* Kalender* Reservierung*`,
    spanish: `reserv* agendar agende agendame programar cita citas reunion reuniones evento* calendario* invita invite invitar aplaza aplazar`,
    french: `reserv* planifi* rendez+vous rdv reunion reunions evenement* calendrier* invite inviter invitez`,
    italian: `prenot* fissa fissare pianific* riunion* appuntament* evento eventi calendario invita invitare`,
    portuguese: `reserv* agende agendar agenda+reuniao marca marque marcar reuniao reunioes evento* calendario* compromisso* convid*`,
    dutch: `boek boeken reserveer* reserver* afspraak afspraken vergadering* agenda inplannen plan>in verzet verzetten nodig>uit uitnodig*`,
  },
  delete: {
    german: `loesch* entferne entfernen raeum>weg raeum>auf wegraeum* aufraeum* aufzuraeum* wirf>weg werf>weg wegwerf* wegzuwerf*
      schmeiss>weg schmeiss>raus nimm>raus nimm>weg nehm>raus leer+papierkorb leer+ordner leer+warenkorb leer+cache vernicht deinstallier*
      beseitig streich+liste`,
    spanish: `borra borre borrar elimina elimine eliminar quita quitar suprim* desinstal* vacia+papelera vacia+carpeta vaciar
      limpia+carpeta`,
    french: `supprim* efface effacer effacez enleve enlever enlevez desinstall* vide+corbeille vider+corbeille vide+dossier vide+panier
      nettoie nettoy* jette+corbeille`,
    italian: `cancella cancellare cancellate elimina eliminare rimuov* svuot* disinstall* togli togliere`,
    portuguese: `apaga+arquivo|arquivos|ficheiro|ficheiros|pasta|mensagem|mensagens|email|emails|nota|evento|conta apagar+arquivo|arquivos|ficheiro|ficheiros|pasta|mensagem|mensagens|email|emails|nota|evento
      apague+arquivo|arquivos|ficheiro|ficheiros|pasta|mensagem|mensagens|email|emails|nota|evento exclua excluir remova remover
      deleta deletar esvazi* desinstal* elimina eliminar`,
    dutch: `verwijder* wis wissen gooi>weg weggooi* ruim>op opruim* maak>leeg leegmak* schrap schrappen deinstalleer*`,
  },
  cancel: {
    german: `stornier* kuendig sag>ab absag* abzusag* abgesag* widerruf* abbrech* abzubrech* brich>ab brech>ab abbestell* bestell>ab meld>ab
      abmeld* abzumeld* mach+rueckgaengig rueckgaengig* erstatt* rueckerstatt* zurueckgeb* umtausch* stopp beend Stornierung* Kuendigung*
      Rueckerstattung* Absage*`,
    spanish: `cancela cancele cancelar anula anule anular devuelv* devolver devolucion* reembols* revoca revocar deten detener
      desuscrib*`,
    french: `annul* resili* rembours* decommand* interromp* desabonn* renvoie renvoyer+colis retourne`,
    italian: `annull* disdi disdici disdire disdett* rimbors* revoca revocare restituisci restituire cancella cancellare interromp*`,
    portuguese: `cancela cancele cancelar anula anule anular reembols* devolv* estorn* revoga revogar`,
    dutch: `annuleer* annuler* zeg>af afzeg* zeg>op opzeg* terugbetal* retourneer* stop>zet stopzet* herroep*`,
  },
  change: {
    german: `aender* veraender* abaender* aktualisier* bearbeit* korrigier* verschieb* verleg umbenenn* benenn>um setz stell>ein stell>um stell>auf
      einstell* einzustell* umstell* umzustell* schalt* einschalt* ausschalt* mach>aus mach>an mach>zu mach>auf ausmach* anmach* zumach* dreh dimm*
      schliess* sperr* versperr* entsperr* verriegel* entriegel* markier* archivier* weis>zu zuweis* zuzuweis* trag>ein eintrag* einzutrag*
      fueg>hinzu fueg>ein fueg>an hinzufueg* hinzuzufueg* einfueg* ergaenz* erweiter* verlaenger* erhoeh* senk reduzier* reparier* beheb
      verbesser* refaktor* implementier* aktivier* deaktivier* zuruecksetz* zurueckzusetz* erledig* abschliess* abzuschliess* haeng>an
      anhaeng* pass>an anpass* anzupass* ersetz tausch>aus vervollstaendig* registrier* speicher* richt>ein einricht* einzuricht*`,
    spanish: `cambia cambie cambiar modifica modifique modificar actualiz* corrig* corrij* edita edite editar aplaza aplazar pospon* adelanta adelantar
      asigna asigne asignar marca marque marcar cierra cierre cerrar enciend* encender apaga apague apagar activa activar desactiv*
      bloquea desbloque* bloquear anad* agrega agregue agregar pon ponga poner arregla arregle arreglar repara reparar mejora mejorar renueva ajusta
      ajustar configura configurar reprograma reprogramar mueve muev* mover sube+volumen baja+volumen completa completar implementa implementar`,
    french: `change changer changez modifie modifier modifiez mets mettre mettez corrig* ajout* deplac* decale decaler decalez reporte+rendez
      reporter+rendez reporte+reunion reporter+reunion assigne assigner assignez attribue attribuer attribuez ferme fermer fermez allum*
      eteins eteign* eteindre activer activez desactiv* verrouill* deverrouill* baisse baisser augmente augmenter monte monter regle regler
      reglez repare reparer amelior* actualis* renomm* marque marquer`,
    italian: `cambia cambiare modifica modificare aggiorn* corregg* spost* rimand* posticip* assegn* segna segnare chiud* accend* spegn* alza alzare
      abbass* attiva attivare disattiv* blocca bloccare sblocc* aggiung* metti mettere imposta impostare regola regolare ripara riparare
      miglior* rinnov* implementa implementare`,
    portuguese: `muda mude mudar altera altere alterar atualiz* corrij* corrig* adia adie adiar atribu* marca marque marcar fecha feche fechar acend*
      deslig* liga ligue ligar apaga apague apagar ativa ative ativar desativ* bloquea bloqueia bloquear adicion* acrescent* coloca coloque
      colocar aumenta aumentar diminui diminuir melhora melhorar configura configurar poe move mova mover implementa implementar`,
    dutch: `wijzig* verander* verplaats* verzet verzetten pas>aan aanpass* werk>bij bijwerk* corrigeer* zet voeg>toe toevoeg*
      wijs>toe toewijz* sluit sluiten doe>aan doe>uit doe>dicht aanzet* uitzet* schakel* verhoog verlaag activeer*
      deactiveer* vergrendel* ontgrendel* markeer* herstel* repareer* verbeter* implementeer* hernoem* vul>aan`,
  },
  move: {
    german: `verschieb* umbenenn* benenn>um sortier* ordne ordnen archivier* schieb leg>ab ablege ablegen raeum>um umzieh*`,
    spanish: `mueve mueva mover renombr* ordena ordenar archiv* traslad*`,
    french: `deplac* renomm* trie trier triez archiv*`,
    italian: `spost* rinomin* archivi*`,
    portuguese: `move mova mover renome* arquiva arquivar arquive`,
    dutch: `verplaats* hernoem* sorteer* archiveer*`,
  },
  password: {
    german:
      'aender*+passwort|kennwort setz+passwort|kennwort zuruecksetz*+passwort|kennwort erneuer*+passwort|kennwort meld+passwort|kennwort anmeld*+passwort|kennwort',
    spanish: 'cambia+contrasena cambiar+contrasena cambie+contrasena restablec*+contrasena actualiz*+contrasena',
    french: 'change+passe changer+passe modifie+passe modifier+passe reinitialis*+passe',
    italian: 'cambia+password cambiare+password reimposta+password aggiorn*+password',
    portuguese: 'muda+senha mude+senha mudar+senha altera+senha alterar+senha altere+senha redefin*+senha troca+senha',
    dutch: 'wijzig*+wachtwoord verander*+wachtwoord herstel*+wachtwoord',
  },
  execute: {
    german: `fuehr>aus ausfuehr* auszufuehr* starte starten lass>laufen baue bauen kompilier* installier* deploye deployen`,
    spanish: `ejecut* arranca arranque arrancar reinicia reinicie reiniciar lanza+script|pruebas|build instala instale instalar compila compile
      compilar despliega desplegar`,
    french: `execute executer executez lance+script|tests|build|commande lancer+script|tests|build demarr* redemarr* installe installer installez
      deploie deployer compile compiler`,
    italian: `esegu* avvia avviare riavvi* lancia+script|test|build installa installare`,
    portuguese: `execute executa executar roda+script|testes|build rode+script|testes|build reinicia reinicie reiniciar instala instale instalar
      implanta+servidor|producao`,
    dutch: `voer>uit uitvoer* installeer* herstart* compileer* bouw+opnieuw`,
  },
  grant: {
    german: `gib+zugriff gib>frei freigeb* freizugeb* freigib* gewaehr+zugriff erteil+zugriff|rechte|berechtigung berechtig erlaub
      teil+dokument|datei|ordner|kalender|tabelle|album`,
    spanish: `da+acceso dale+acceso dar+acceso concede+acceso conceder+acceso otorga* autoriz*
      comparte+documento|archivo|carpeta|calendario|hoja compartir+documento|archivo|carpeta|calendario|hoja`,
    french: `donne+acces donner+acces accorde+acces accorder+acces autoris* partage+document|fichier|dossier|calendrier
      partager+document|fichier|dossier|calendrier`,
    italian: `dai+accesso dare+accesso concedi+accesso autorizz* condividi+documento|file|cartella|calendario
      condividere+documento|file|cartella|calendario`,
    portuguese: `dar+acesso libera+acesso libere+acesso concede+acesso conceda+acesso compartilh*+documento|arquivo|pasta|planilha|calendario
      partilh*+documento|ficheiro|pasta|folha|calendario`,
    dutch: `geef+toegang geven+toegang verleen+toegang machtig deel+document|bestand|map|agenda delen+document|bestand|map|agenda`,
  },
  publish: {
    german: `veroeffentlich* poste posten kommentier* lad>hoch hochlad* hochzulad* bewert pushe pushen twitter*`,
    spanish: `publica publique publicar comenta comente comentar sube+archivo|foto|video subir+archivo|foto|video tuite* califica`,
    french: `publie publier publiez poste poster postez tweete commente commenter televers*`,
    italian: `pubblic* posta+su postare commenta commentare carica+file|foto|video caricare+file|foto|video twitta`,
    portuguese: `publica publique publicar posta poste postar comenta comente comentar`,
    dutch: `publiceer* publicer* plaats+bericht reageer* upload uploaden`,
  },
  submit: {
    german: `ausfuell* auszufuell* fuell>aus meld>an anmeld* anzumeld* registrier* bewerb einreich* einzureich* reich>ein abschick* abzuschick*
      schick>ab gib>ein eingeb* einzugeb* trag>ein eintrag* einzutrag* unterschreib* oeffne oeffnen besuch`,
    spanish: `rellen* completa+formulario completar+formulario registra registre registrar inscrib* solicita solicite solicitar inicia+sesion abre
      abra abrir visita visitar`,
    french: `remplis remplir remplissez inscris inscri* soumet* ouvre ouvrir ouvrez visite visiter connecte+toi`,
    italian: `compila+modulo compilare+modulo registra registrare iscriv* apri aprire visita visitare`,
    portuguese: `preench* registra registre registrar inscrev* solicita solicite solicitar abre abra abrir visita visite visitar`,
    dutch: `vul>in invul* meld>aan aanmeld* dien>in indienen registreer* bezoek*`,
  },
  save: {
    german: `speicher* erstell* leg>an anleg* anzuleg* angelegt notier* schreib* erzeug* generier* entwirf entwerf* merk protokollier* kopier*
      dokumentier* halt>fest verfass* mach+notiz mach+liste mach+eintrag oeffne+issue|ticket trag>ein eintrag* einzutrag* erinner* exportier*
      implementier* bau>ein einbau* einzubau* bereit>vor vorbereit* leg>ab stell+zusammen richt>ein einricht*`,
    spanish: `crea cree crear guarda guarde guardar anota anote anotar apunta apunte apuntar escrib* redacta redacte redactar genera genere generar
      prepara prepare preparar registra registrar copia copiar exporta exportar abre+issue|ticket implementa recuerdame`,
    french: `cree creer creez enregistr* redige redigez rediger note noter notez ecris ecrire ecrivez prepare preparer preparez sauvegard* genere
      generer generez copie copier ajout* rappelle ouvre+issue|ticket implemente`,
    italian: `crea creare salva salvare annota annotare scriv* prepara preparare registra registrare genera+file|report|documento|lista generare segna segnare copia copiare
      apri+issue|ticket ricordami`,
    portuguese: `cria crie criar salva salve salvar guarda guarde guardar escrev* anota anote anotar gera gere gerar prepara prepare preparar
      registra registrar copia copiar abre+issue|ticket abra+issue|ticket lembra lembre`,
    dutch: `maak maken aanmak* bewaar* bewaren opslaan sla>op noteer* noter* schrijf* schrijv* genereer* kopieer* bereid>voor
      voorbereid* stel>op opstel* herinner*`,
  },
};
