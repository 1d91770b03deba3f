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

// Our name for an icon -> its Tabler name, when they differ. A name that Tabler also has in its "filled" set is
// prefixed with "filled/".
const icons = {
  // navigation
  home: "home", calendar: "calendar", posts: "pencil", media: "photo", listening: "radar-2", inbox: "inbox",
  channels: "broadcast", contacts: "users", leads: "target-arrow", tickets: "ticket", campaigns: "speakerphone",
  analytics: "chart-bar", connections: "plug-connected", settings: "settings", members: "users-group",
  organization: "building-community", health: "activity-heartbeat", menu: "menu-2", admin: "shield-cog",
  // actions
  plus: "plus", minus: "minus", close: "x", check: "check", search: "search", edit: "edit", trash: "trash",
  copy: "copy", download: "download", upload: "upload", send: "send", retry: "reload", refresh: "refresh",
  undo: "arrow-back-up", redo: "arrow-forward-up", move: "calendar-share", external: "external-link", link: "link",
  unlink: "unlink", filter: "filter", sort: "arrows-sort", more: "dots", "more-vertical": "dots-vertical",
  print: "printer", "sign-out": "logout", "sign-in": "login", switch: "arrows-exchange", crop: "crop",
  paperclip: "paperclip", emoji: "mood-smile", hash: "hash", at: "at", text: "text-caption", alt: "alt",
  drag: "grip-vertical", eye: "eye", "eye-off": "eye-off", pin: "pin", star: "star", tag: "tag", code: "code",
  // arrows
  "chevron-left": "chevron-left", "chevron-right": "chevron-right", "chevron-down": "chevron-down",
  "chevron-up": "chevron-up", "arrow-left": "arrow-left", "arrow-right": "arrow-right", selector: "selector",
  "arrow-up": "arrow-up", "arrow-down": "arrow-down",
  // states and things
  info: "info-circle", warning: "alert-triangle", error: "alert-circle", success: "circle-check", help: "help-circle",
  clock: "clock", hourglass: "hourglass", repeat: "repeat", draft: "file-pencil", scheduled: "calendar-time",
  publishing: "loader-2", published: "circle-check", failed: "alert-circle", cancelled: "ban",
  approval: "user-check", bell: "bell", "bell-off": "bell-off", mail: "mail", user: "user", key: "key",
  passkey: "fingerprint", shield: "shield-check", lock: "lock", devices: "devices", sun: "sun", moon: "moon",
  system: "device-desktop", keyboard: "keyboard", world: "world", zone: "world-pin", bolt: "bolt",
  sparkles: "sparkles", list: "list", "view-month": "calendar-month", "view-week": "calendar-week",
  "view-day": "calendar-event", audit: "history", offline: "wifi-off", save: "device-floppy", heart: "heart",
  comment: "message-circle", share: "share-3", "thumb-up": "thumb-up", bookmark: "bookmark", chart: "chart-line",
  video: "video", file: "file", note: "note", flag: "flag", gauge: "gauge", database: "database", rocket: "rocket",
  // brands
  "brand-facebook": "filled/brand-facebook", "brand-instagram": "brand-instagram", "brand-x": "brand-x",
  "brand-linkedin": "brand-linkedin", "brand-tiktok": "filled/brand-tiktok", "brand-youtube": "filled/brand-youtube",
  "brand-reddit": "brand-reddit", "brand-threads": "brand-threads", "brand-mastodon": "brand-mastodon",
  "brand-bluesky": "brand-bluesky", "brand-pinterest": "brand-pinterest", "brand-google": "filled/brand-google",
  "brand-windows": "filled/brand-windows", "brand-slack": "brand-slack", "brand-discord": "filled/brand-discord",
  "brand-telegram": "brand-telegram", "brand-whatsapp": "brand-whatsapp",
};

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

function symbol([ours, theirs]) {
  const [set, name] = theirs.startsWith("filled/") ? ["filled", theirs.slice(7)] : ["outline", theirs];
  const path = join(modules, "@tabler/icons/icons", set, `${name}.svg`);
  if (!existsSync(path)) throw new Error(`Tabler has no icon ${theirs}`);
  const body = readFileSync(path, "utf8")
    .replace(/<!--[\s\S]*?-->/g, "").replace(/<svg[\s\S]*?>/, "").replace("</svg>", "")
    .replace(/<path stroke="none" d="M0 0h24v24H0z" fill="none" ?\/>/, "")
    .replace(/\s*\n\s*/g, "").replace(/ \/>/g, "/>");
  const paint = set === "filled"
    ? 'fill="currentColor"'
    : 'fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"';
  return `<symbol id="${ours}" viewBox="0 0 24 24" ${paint}>${body}</symbol>`;
}

mkdirSync(join(staticRoot, "vendor"), { recursive: true });
mkdirSync(join(staticRoot, "img"), { recursive: true });
const copied = packages.map((entry) => ({ ...copyPackage(entry), use: entry.use }));

const tabler = readPackage("@tabler/icons");
const sprite = join(staticRoot, "img", "icons.svg");
writeFileSync(sprite, [
  '<svg xmlns="http://www.w3.org/2000/svg">',
  `<!-- Tabler Icons ${tabler.version}, MIT, https://tabler.io/icons. Built by tools/vendor.mjs; do not edit. -->`,
  ...Object.entries(icons).map(symbol),
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
  `| @tabler/icons | ${tabler.version} | ${tabler.license} | the sprite \`static/img/icons.svg\` (${Object.keys(icons).length} icons) |`,
  "",
  "| file | SHA-256 |",
  "|---|---|",
  ...copied.flatMap((c) => c.rows).map((row) => `| ${row.path} | \`${row.hash}\` |`),
  `| ../img/icons.svg | \`${sha256(sprite)}\` |`,
  "",
].join("\n"));
console.log(`${copied.length} packages, ${Object.keys(icons).length} icons`);
