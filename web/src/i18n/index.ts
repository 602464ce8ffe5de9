import i18next from "i18next";
import { initReactI18next } from "react-i18next";

export const LANGUAGES = { en: "English", it: "Italiano", pl: "Polski", es: "Español" } as const;
export type Language = keyof typeof LANGUAGES;

const KEPT = "meridian.language";

const load: Record<Language, () => Promise<{ default: object }>> = {
  en: () => import("./locales/en.json"),
  it: () => import("./locales/it.json"),
  pl: () => import("./locales/pl.json"),
  es: () => import("./locales/es.json"),
};

function known(tag: string | null | undefined): Language | undefined {
  const short = tag?.slice(0, 2).toLowerCase();
  return short && short in LANGUAGES ? (short as Language) : undefined;
}

/** The person's own choice, else the first language of the browser that we have. */
export function firstLanguage(): Language {
  return known(localStorage.getItem(KEPT)) ?? navigator.languages.map(known).find(Boolean) ?? "en";
}

export async function startTranslations(): Promise<void> {
  await i18next.use(initReactI18next).init({
    lng: "en",
    fallbackLng: false,
    resources: {},
    interpolation: { escapeValue: false },
    returnNull: false,
    nsSeparator: false,
  });
  await showLanguage(firstLanguage());
}

/** Loads the language's catalogue and shows it; nothing is loaded anew, nothing typed is lost. */
export async function showLanguage(language: Language): Promise<void> {
  if (!i18next.hasResourceBundle(language, "translation")) {
    const { default: words } = await load[language]();
    i18next.addResourceBundle(language, "translation", words);
  }
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}

/** What the profile says counts until the person chooses here. */
export async function showProfileLanguage(locale: string | null | undefined): Promise<void> {
  const language = known(locale);
  if (language && !localStorage.getItem(KEPT)) await showLanguage(language);
}

export async function chooseLanguage(language: Language): Promise<void> {
  localStorage.setItem(KEPT, language);
  await showLanguage(language);
}
