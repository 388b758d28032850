// The page's style and its little script: light, dark, print and narrow screens, with nothing loaded from anywhere.

import { paintVariables } from "../palette.js";

export const STYLE = `
:root{${paintVariables("light")};--page:#f6f7f9;--card:#ffffff;--line:#dde1e6;--tint-good:#e6f4ef;--tint-bad:#fbeee4;--tint-neutral:#eceff3;color-scheme:light}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${paintVariables("dark")};--page:#0f1215;--card:#16191d;--line:#2d333b;--tint-good:#12302a;--tint-bad:#3a2616;--tint-neutral:#22272e;color-scheme:dark}}
:root[data-theme=dark]{${paintVariables("dark")};--page:#0f1215;--card:#16191d;--line:#2d333b;--tint-good:#12302a;--tint-bad:#3a2616;--tint-neutral:#22272e;color-scheme:dark}
*,*::before,*::after{box-sizing:border-box}
.keep{white-space:nowrap}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main{max-width:1140px;margin:0 auto;padding:20px 18px 60px}
header.top{display:flex;gap:12px;align-items:baseline;flex-wrap:wrap;margin-bottom:4px}
header.top .name{font-weight:700}
header.top .muted{flex:1}
button{font:inherit;font-size:13px;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:6px;padding:3px 10px;cursor:pointer}
h1{font-size:26px;line-height:1.25;margin:2px 0 4px;overflow-wrap:anywhere}
h2{font-size:19px;margin:34px 0 10px}
h3{font-size:15px;margin:0 0 2px}
p{margin:4px 0 8px}
.muted{color:var(--muted)}
.small{font-size:13px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:14px 16px;margin:10px 0}
.verdict{border-left:7px solid var(--muted)}
.verdict.good{border-left-color:var(--good)} .verdict.bad{border-left-color:var(--bad)}
.verdict .say{font-size:18px;line-height:1.4;margin:8px 0 6px}
.badge{display:inline-block;border-radius:6px;padding:2px 10px;font-weight:700;background:var(--tint-neutral);color:var(--ink);margin-right:8px}
.badge.live{background:var(--first);color:var(--surface);margin:0;padding:0 9px;font-size:13px}
.badge.good{background:var(--tint-good);color:var(--good)} .badge.bad{background:var(--tint-bad);color:var(--bad)}
.good-text{color:var(--good);font-weight:600} .bad-text{color:var(--bad);font-weight:600}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:8px 0 0;font-size:14px}
dl.facts dt{color:var(--muted)} dl.facts dd{margin:0;overflow-wrap:anywhere}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:12px 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:9px 13px}
.tile b{display:block;font-size:18px;line-height:1.4;white-space:nowrap;font-variant-numeric:tabular-nums} .tile span{font-size:13px;color:var(--muted)}
ol.strip{list-style:none;display:flex;padding:0;margin:16px 0 4px;gap:0}
ol.strip li{flex:1;position:relative;padding:20px 6px 0 0;font-size:14px;min-width:92px}
ol.strip li::before{content:"";position:absolute;top:6px;left:0;right:0;height:3px;background:var(--line)}
ol.strip li:last-child::before{right:auto;width:14px}
ol.strip li::after{content:"";position:absolute;top:0;left:0;width:15px;height:15px;border-radius:50%;background:var(--first);border:3px solid var(--card)}
ol.strip li.harm::after{background:var(--harm);border-radius:2px;transform:rotate(45deg) scale(.8)}
ol.strip li.harm::before,ol.strip li.hurting::before{background:var(--harm)}
ol.strip li.never{color:var(--muted)} ol.strip li.never::after{background:var(--card);border-color:var(--muted);border-width:2px}
ol.strip b{display:block} ol.strip .clock{font-variant-numeric:tabular-nums} ol.strip .gap{display:block;font-size:13px;color:var(--muted)}
ul.ticks{list-style:none;margin:0;padding:0} ul.ticks li{padding:5px 0 5px 28px;position:relative;overflow-wrap:anywhere} ul.ticks li+li{border-top:1px solid var(--line)}
ul.ticks .mark{position:absolute;left:2px;font-weight:700;font-size:17px;line-height:1.35}
ul.ticks .why{display:block;font-size:14px;color:var(--muted)}
figure{margin:0} figcaption{margin-bottom:4px;display:flex;flex-wrap:wrap;gap:0 12px;align-items:baseline}
.chart{overflow-x:auto} .chart svg{display:block;width:100%;min-width:700px;height:auto}
.table{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th,td{text-align:left;vertical-align:top;padding:5px 10px 5px 0;border-top:1px solid var(--line)}
thead th{border-top:0;color:var(--muted);font-weight:600;white-space:nowrap}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap;padding-right:16px}
tr.total td{font-weight:700;border-top:2px solid var(--muted)}
tr.deciding{background:var(--tint-bad)} tr.deciding td:first-child{box-shadow:inset 4px 0 var(--bad)}
td:first-child,th:first-child{padding-left:8px}
tr.deciding.pass{background:var(--tint-good)} tr.deciding.pass td:first-child{box-shadow:inset 4px 0 var(--good)}
tr.fine td{color:var(--muted)}
.card.table{padding:6px 8px}
table.reasoned th:last-child{width:36%} table.checks th:last-child{width:29%} table.checks th:first-child{width:15%} table.checks th:nth-child(3){width:15%}
.decision{scroll-margin-top:10px}
.decision .head{display:flex;gap:10px;align-items:baseline;flex-wrap:wrap}
.number{display:inline-flex;align-items:center;justify-content:center;min-width:24px;height:24px;padding:0 6px;border-radius:12px;background:var(--decision);color:var(--surface);font-weight:700;font-size:13px}
.decision .plan{font-weight:700} .decision .reason{margin:6px 0}
details>summary{cursor:pointer;color:var(--muted);font-size:13.5px}
details[open]>summary{margin-bottom:4px}
.bar{display:inline-block;height:9px;background:var(--first);border-radius:2px;vertical-align:middle} .bar.oracle{background:var(--third)}
code,pre{font:13px/1.5 ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace}
pre{background:var(--box);border:1px solid var(--line);border-radius:8px;padding:10px 12px;white-space:pre-wrap;overflow-wrap:anywhere;margin:6px 0}
footer{margin-top:34px;font-size:13px;color:var(--muted)}
nav{font-size:13.5px;margin:8px 0 0;display:flex;flex-wrap:wrap;gap:4px 14px} a{color:var(--first)}
@media screen and (max-width:760px){ol.strip{flex-direction:column;gap:8px}ol.strip li{padding:0 0 0 26px}ol.strip li::before{top:8px;left:6px;right:auto;width:3px;height:calc(100% + 6px)}ol.strip li:last-child::before{display:none}dl.facts{grid-template-columns:1fr}dl.facts dd{margin-bottom:4px}h1{font-size:22px}header.top .muted{order:1;flex-basis:100%}header.top .name{flex:1}
/* A narrow screen shows what was judged, how, and the sentence that holds the figures. */
table.reasoned,table.reasoned tbody{display:block}table.reasoned thead,table.checks td:nth-child(n+3):nth-child(-n+8),table.truths td:nth-child(n+3):nth-child(-n+6){display:none}
table.reasoned tr{display:grid;grid-template-columns:1fr auto;border-top:1px solid var(--line)}table.truths tr{grid-template-columns:1fr 2fr auto}table.reasoned td{border:0}table.reasoned td:last-child{grid-column:1/-1;padding:0 10px 6px 8px}
.chart::after{content:"\\2190  wider than the screen, scrolls  \\2192";position:sticky;left:0;display:block;color:var(--muted);font-size:12px}}
@media print{
:root:root:root{${paintVariables("light")};--page:#fff;--card:#fff;--line:#ccd1d7;--tint-good:#e6f4ef;--tint-bad:#fbeee4;--tint-neutral:#eceff3;color-scheme:light}
body{font-size:11px} .small,ol.strip li,ol.strip .gap,dl.facts,.tile span,ul.ticks .why,details>summary{font-size:10px} ol.strip li{min-width:0} .tiles{grid-template-columns:repeat(auto-fit,minmax(90px,1fr));gap:6px} .tile{padding:5px 8px} main{max-width:none;padding:0} nav,button,.screen{display:none!important}
h1{font-size:20px} h2{font-size:15px;margin:14px 0 4px} h2,h2+p,h3,figcaption,.head,thead{break-after:avoid} figure,.verdict,.tile,.head,ol.strip,tr,ul.ticks li,.reason{break-inside:avoid} p,li{orphans:2;widows:2}
table{font-size:10px} th,td{padding:3px 7px 3px 0} td.n,th.n{padding-right:9px} .card{padding:6px 10px;margin:6px 0} figcaption{margin-bottom:0} .number{min-width:16px;height:16px;padding:0 4px;font-size:9px} table.checks th:last-child{width:35%} .tile b{font-size:13px} .verdict .say{font-size:14px}
.chart,.table{overflow:visible} .chart svg{min-width:0}
details.print::details-content{content-visibility:visible;display:block;height:auto} details.print>summary{list-style:none}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
@page{margin:14mm 12mm}}
`;

/** Only comfort: the page is complete without it. */
export const SCRIPT = `
(function(){var d=document,r=d.documentElement,b=d.getElementById("theme"),e=d.getElementById("evidence");
if(b){b.hidden=false;b.onclick=function(){var dark=r.dataset.theme?r.dataset.theme==="dark":matchMedia("(prefers-color-scheme: dark)").matches;r.dataset.theme=dark?"light":"dark"}}
var all=[].slice.call(d.querySelectorAll("details.print"));
if(e&&all.length){e.hidden=false;e.onclick=function(){var open=all.some(function(x){return !x.open});all.forEach(function(x){x.open=open})}}
addEventListener("beforeprint",function(){all.forEach(function(x){x.dataset.was=x.open?"1":"";x.open=true})});
addEventListener("afterprint",function(){all.forEach(function(x){x.open=x.dataset.was==="1"})});
})();
`;
