"""Common given names of many languages that are no product's name."""

from services.drafting.blameless.word_sets import word_set

GIVEN_NAMES = word_set("""
    aaron abdul abdullah abigail adam adele adrian agnes ahmad ahmed aisha akira alan albert alejandra alejandro
    alena alessandro alex alexander alexandra alexei alfred ali alice alicia alina alison allison alma alvaro amanda
    amara amelia amir amit amy ana anastasia anders andrea andreas andrei andrej andrew andy angela angus anil anita
    anja ann anna anne annika anthony antonio anya ari ariel arjun arnold arthur arun asha ashley astrid augusto
    ayesha aylin barbara beatrice beatriz ben benjamin bernard bernd beth bethany bettina bilal bill birgit bjorn
    bob boris brad brandon brenda brian bridget bruce bruno bryan camila camille carl carla carlos carmen carol
    carolina caroline catherine cecilia cedric charles charlie charlotte chen cheng chloe chris christian christina
    christine christoph christopher claire clara claudia clemens colin connor craig cristina cynthia daisuke damian
    dan dana daniel daniela danielle danny daria darren dave david deborah deepa deepak denis dennis derek diana
    diane diego dieter dimitri dmitri dmitry dominic dominik donald donna doug douglas duncan dylan eduardo edward
    edwin eileen elaine elena eli elias elif elizabeth ella ellen elliot elsa emil emilia emily emma emmanuel
    enrique eric erik erika erin ernst esther ethan eugene eva evan evelyn fabian farah farid fatima felipe felix
    fernanda fernando fiona florian frances francesca francesco francisco frank franz fred frederic freya fritz
    gabriel gabriela gareth gary gavin geoff george georgia gerald gerard gina giovanni giulia glenn gloria gordon
    graham greg gregory guido guillaume gunnar gustav hamza hana hannah hans harald harold harriet harry hasan
    hassan heather heidi heike helen helena helga henrik henry herbert hiroshi holly hugo hussein ian ibrahim igor
    ilse imran ines ingrid irene irina iris isaac isabel isabella isabelle ivan jack jackie jacob jacqueline jaime
    jake jakob james jamie jan jana jane janet janice jared jasmine jason javier jean jeff jeffrey jen jennifer
    jenny jeremy jerome jerry jesper jess jesse jessica jim jimmy jing joan joanna joao joel johan johannes john
    johnny jon jonas jonathan jordan jorge jose josef joseph josh joshua joyce juan judith judy julian julie jun
    jurgen justin kai karen karim karin karl karolina kate katharina katherine kathleen katie katja katrin kavita
    keith kelly ken kenji kenneth kerry kevin khalid kim kirsten klaus konrad kristen kristian kristina kumar kurt
    kyle lakshmi lara lars laura lauren laurence laurent layla lea leah lee leila lena leo leon leonardo leslie liam
    lily lin linda lisa liz lorenzo louis louise luca lucas lucia lucy luis luisa luka lukas luke lydia magnus maja
    malcolm malik mandy manuel marc marcel marco marcus margaret maria mariam marie marina mario marion mark marko
    markus marta martha martin martina mary mateo mathias mathieu matt matteo matthew matthias max maya megan mehmet
    mei melanie melissa mia michael michaela michal michel michelle miguel mika mike mikhail mikkel milan ming
    miriam mohamed mohammed moira monica monika morgan moritz mustafa nadia nadine nancy naomi natalia natalie
    natasha nathan neha neil nicholas nick nico nicola nicolas nicole nigel nikhil nikita nikolai nils nina noah
    noel nora norbert norman nour olaf oleg olga oliver olivia omar oscar otto owen pablo pamela paola paolo pat
    patricia patrick paul paula pavel pedro peggy penny per peter petra phil philip philipp philippe pierre pilar
    piotr prakash priya priyanka qing rachel rafael raj rajesh ralf ralph ramon raquel rashid raul ravi raymond
    rebecca rebekah regina reinhard rene ricardo richard rick rita rob robert roberta roberto robin rodrigo roger
    rohan rohit roland rolf roman ron ronald rosa rose rosie ross roy rui russell ruth ryan sabine sabrina sally sam
    samantha samir samuel sandra sandy sanjay sara sarah sasha saskia scott sean sebastian selina serena sergei
    sergey sergio shane shannon sharon shaun sheila shirley shreya silke silvia simon simone sofia sonia sonja
    sophia sophie stacy stefan stefanie stella stephanie stephen steve steven stewart stuart sue sunil susan susanne
    suzanne sven svetlana sylvia tamara tania tanja tanya tara tariq tatiana ted teresa terry theo theodore theresa
    thomas tim timothy tina tobias todd tom tomas tommy toni tony tracy trevor tyler ulrich ulrike uma ursula uwe
    valentina valerie vanessa vera veronica victor victoria vijay vikram viktor vincent vinod virginia vivian
    vladimir walter wanda warren wayne wei wendy werner wilhelm will william wolfgang xavier xin yan yannick yara
    yasmin ying yolanda yuki yuri yusuf yuvi yves yvonne zachary zahra zainab zoe zoltan
    abel adriana agata alba aleksander amalia anders anneke antje arjan arne astrid ayako beata bogdan bohdan carsten
    chiara chidi claire dagmar danuta dariusz dmytro dorota ebba eero eirik ekaterina elin emeka emre erika eszter ewa
    fanni farida femi folake frida gergely giorgio grzegorz gudrun hakan halina hanako hanneke haruki hasan hector
    hilde iain ines ingeborg ioana irma ivana jacek jannik jarek joanna jolanta jonas josefa judit kaito kamal kasia
    katarzyna kenji kerstin kofi krzysztof kwame laila lars lea leila lena lennart liam ligia lotte luca ludmila maarten
    maciej maja malgorzata marek marit marta mateusz meera mehmet mette mina mirjam mohan monique nadia naoko natalia
    niamh nikos nuno olena olu oskar pauline pawel pernilla petr pooja preeti radek ragnhild rahul renata rikke rina
    rohini ronja rune sakura sanne saoirse satoshi seema shanice siobhan slawomir solveig stig sunita svein takeshi
    tamar tereza tiago tomasz tove ulla urszula vaclav valeria vasile wanjiru wiebke wiktor wojciech yasmine yosef
    yui zeynep zofia zsofia
""")
