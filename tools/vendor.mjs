// Copies the third-party browser files into static/vendor/<name>-<version>/ with their licence, builds the icon
// sprite static/img/icons.svg and writes static/vendor/README.md with the SHA-256 of each file.
//
//   cd tools && npm install --no-package-lock && npm run vendor
//
// The result is committed: neither running nor testing Parley needs Node.
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = process.env.NODE_MODULES ?? join(here, "node_modules");
const staticRoot = join(here, "..", "static");

const packages = [
  {
    name: "htmx.org", as: "htmx", use: "partial page updates; the same file that django-htmx ships",
    files: { "dist/htmx.min.js": "htmx.min.js", LICENSE: "LICENSE" },
  },
  {
    name: "sortablejs", as: "sortablejs", use: "drag and drop in the calendar and the media tray",
    files: { "Sortable.min.js": "Sortable.min.js", LICENSE: "LICENSE" },
  },
  {
    name: "@fontsource-variable/inter", as: "inter", use: "text face, Latin and Latin extended",
    files: {
      "files/inter-latin-wght-normal.woff2": "inter-latin.woff2",
      "files/inter-latin-ext-wght-normal.woff2": "inter-latin-ext.woff2",
      LICENSE: "LICENSE",
    },
  },
];

// Icons by their Tabler name. A trailing "!" takes the filled drawing, where the outline is not the mark people know.
const icons = `
  home calendar edit photo radar-2 inbox broadcast users target-arrow ticket speakerphone flag chart-bar
  plug-connected settings tool users-group building-community activity-heartbeat menu-2 shield-cog layout-kanban
  rss puzzle adjustments template tags api webhook
  plus minus x check checks search pencil trash copy download upload send reload refresh arrow-back-up
  arrow-forward-up calendar-share calendar-plus external-link link unlink plug-connected-x filter arrows-sort
  dots dots-vertical printer logout login arrows-exchange crop paperclip mood-smile hash at text-caption alt
  grip-vertical eye eye-off pin star tag code player-pause player-play archive cut palette language
  chevron-left chevron-right chevron-down chevron-up chevrons-left chevrons-right arrow-left arrow-right
  arrow-up arrow-down selector corner-down-right trending-up trending-down
  info-circle alert-triangle alert-circle circle-check circle-x circle-dashed help-circle clock hourglass repeat
  file-pencil calendar-time calendar-off loader-2 ban user-check user user-plus user-x users-plus bell bell-off
  mail mail-check mail-x key fingerprint shield-check shield-lock lock lock-open devices device-desktop
  device-mobile sun moon keyboard world world-pin map-pin bolt sparkles list calendar-month calendar-week
  calendar-event calendar-x history wifi-off device-floppy heart message-circle messages share-3 share thumb-up
  bookmark chart-line video file note gauge database rocket photo-plus photo-off cloud-upload coin crown
  door-exit qrcode school sitemap stack-2 circle number id
  brand-instagram brand-x brand-linkedin brand-reddit brand-threads brand-mastodon brand-bluesky brand-pinterest
  brand-slack brand-telegram brand-whatsapp brand-facebook! brand-tiktok! brand-youtube! brand-google!
  brand-windows! brand-discord!
`.trim().split(/\s+/);

const readPackage = (name) => JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
const sha256 = (path) => createHash("sha256").update(readFileSync(path)).digest("hex");

function copyPackage({ name, as, files }) {
  const { version, license } = readPackage(name);
  const folder = `${as}-${version}`;
  for (const old of readdirSync(join(staticRoot, "vendor"))) {
    if (old.startsWith(`${as}-`)) rmSync(join(staticRoot, "vendor", old), { recursive: true });
  }
  mkdirSync(join(staticRoot, "vendor", folder), { recursive: true });
  const rows = Object.entries(files).map(([from, to]) => {
    const target = join(staticRoot, "vendor", folder, to);
    cpSync(join(modules, name, from), target);
    return { path: `${folder}/${to}`, hash: sha256(target) };
  });
  return { name, version, license, rows };
}

function symbol(entry) {
  const name = entry.replace("!", "");
  const set = entry.endsWith("!") ? "filled" : "outline";
  const path = join(modules, "@tabler/icons/icons", set, `${name}.svg`);
  if (!existsSync(path)) throw new Error(`Tabler has no icon ${entry}`);
  const body = readFileSync(path, "utf8")
    .replace(/<!--[\s\S]*?-->/g, "").replace(/<svg[\s\S]*?>/, "").replace("</svg>", "")
    .replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none" ?\/>/, "")
    .replace(/\s*\n\s*/g, "").replace(/ \/>/g, "/>");
  const paint = set === "filled"
    ? 'fill="currentColor"'
    : 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"';
  return `<symbol id="${name}" viewBox="0 0 24 24" ${paint}>${body}</symbol>`;
}

mkdirSync(join(staticRoot, "vendor"), { recursive: true });
mkdirSync(join(staticRoot, "img"), { recursive: true });
const copied = packages.map((entry) => ({ ...copyPackage(entry), use: entry.use }));

const tabler = readPackage("@tabler/icons");
const sprite = join(staticRoot, "img", "icons.svg");
writeFileSync(sprite, [
  '<svg xmlns="http://www.w3.org/2000/svg">',
  `<!-- Tabler Icons ${tabler.version}, MIT, https://tabler.io/icons. Built by tools/vendor.mjs; do not edit. -->`,
  ...icons.map(symbol),
  "</svg>", "",
].join("\n"));
const tablerLicence = join(staticRoot, "vendor", `tabler-icons-${tabler.version}`);
for (const old of readdirSync(join(staticRoot, "vendor"))) {
  if (old.startsWith("tabler-icons-")) rmSync(join(staticRoot, "vendor", old), { recursive: true });
}
mkdirSync(tablerLicence);
cpSync(join(modules, "@tabler/icons/LICENSE"), join(tablerLicence, "LICENSE"));

writeFileSync(join(staticRoot, "vendor", "README.md"), [
  "# Third-party browser files",
  "",
  "Written by `tools/vendor.mjs` from the npm packages pinned in `tools/package.json`; update there, then run",
  "`cd tools && npm install --no-package-lock && npm run vendor` and commit the result. Nothing is loaded from another host.",
  "",
  "| package | version | licence | used for |",
  "|---|---|---|---|",
  ...copied.map((c) => `| ${c.name} | ${c.version} | ${c.license} | ${c.use} |`),
  `| @tabler/icons | ${tabler.version} | ${tabler.license} | the sprite \`static/img/icons.svg\` (${icons.length} icons) |`,
  "",
  "| file | SHA-256 |",
  "|---|---|",
  ...copied.flatMap((c) => c.rows).map((row) => `| ${row.path} | \`${row.hash}\` |`),
  `| ../img/icons.svg | \`${sha256(sprite)}\` |`,
  "",
].join("\n"));
console.log(`${copied.length} packages, ${icons.length} icons`);
