import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";

const KEYS: [string, string][] = [
  ["Ctrl K", "search.title"],
  ["G H", "nav.home"],
  ["G A", "nav.accounts"],
  ["G C", "nav.contacts"],
  ["G L", "nav.leads"],
  ["G T", "home.tasks"],
  ["G U", "nav.duplicates"],
  ["G I", "nav.import"],
  ["N A", "accounts.new"],
  ["/", "keys.filter"],
  ["J K", "keys.next"],
  ["Enter", "keys.open"],
  ["Ctrl Enter", "keys.save"],
  ["Esc", "keys.close"],
  ["Shift D", "keys.theme"],
  ["?", "keys.title"],
];

export function Shortcuts({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened={isOpen} onClose={onClose} title={t("keys.title")} closeButtonProps={{ "aria-label": t("close") }}>
      <dl>
        {KEYS.map(([keys, word]) => (
          <div key={keys} className="line-item" style={{ paddingInline: 0 }}>
            <dt className="grow">{t(word)}</dt>
            <dd className="row" style={{ gap: 4 }}>
              {keys.split(" ").map((key) => (
                <kbd key={key} className="key">
                  {key}
                </kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
