// The open calendar as its scripts see it. A place is whatever a card can be dropped on: [data-place] (a day, an hour, the
// tray), and a card is [data-post], with [data-posts] where it stands for several.
const texts = JSON.parse(document.getElementById("calendar-words").textContent);

export const words = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
export const calendar = () => document.getElementById("calendar");
export const isEditable = () => calendar().hasAttribute("data-editable");
export const view = () => calendar().dataset.view;
export const isNarrow = () => window.matchMedia("(max-width: 800px)").matches;

/** The posts of a card, the first one naming it. */
export const postsOf = (card) => card.dataset.posts?.split(" ") ?? [card.dataset.post];
/** The card that a post stands on now, wherever it is. */
export const cardOf = (postId) => document.querySelector(`[data-post="${postId}"], [data-posts~="${postId}"]`);
export const isShown = (element) => element.checkVisibility();
