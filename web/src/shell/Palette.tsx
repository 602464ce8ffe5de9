import { Modal, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { IconArrowRight, IconSearch } from "@tabler/icons-react";
import { type KeyboardEvent, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { searchQuery } from "@/api/queries/accounts";
import { Avatar } from "@/ui/Avatar";
import { PLACES } from "./places";

interface Hit {
  id: string;
  label: string;
  detail: string;
  path: string;
  isRecord: boolean;
}

const TYPED = 120;

/** Find a customer in two keystrokes: records by name, phone, e-mail or tax number, and the places to go. */
export function Palette({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened={isOpen} onClose={onClose} withCloseButton={false} padding={8} size="lg" yOffset="12vh" attributes={{ content: { "aria-label": t("search.title") } }}>
      {isOpen && <Search onClose={onClose} />}
    </Modal>
  );
}

function Search({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const hits = useHits(words);
  const chosen = Math.min(at, hits.length - 1);
  const open = (hit: Hit | undefined) => {
    if (!hit) return;
    onClose();
    void navigate({ to: hit.path });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) setAt((chosen + step + hits.length) % Math.max(hits.length, 1));
    if (event.key === "Enter") open(hits[chosen]);
    if (step) event.preventDefault();
  };
  return (
    <>
      <TextInput
        data-autofocus
        size="md"
        role="combobox"
        aria-expanded
        aria-controls="palette-hits"
        aria-activedescendant={hits[chosen] && `hit-${hits[chosen].id}`}
        aria-label={t("search.title")}
        placeholder={t("search.placeholder")}
        leftSection={<IconSearch size={17} aria-hidden />}
        value={words}
        onChange={(event) => (setWords(event.currentTarget.value), setAt(0))}
        onKeyDown={onKeyDown}
      />
      <div id="palette-hits" role="listbox" aria-label={t("search.title")} style={{ marginTop: 8 }}>
        {hits.map((hit, index) => (
          <Option key={hit.id} hit={hit} isChosen={index === chosen} onOpen={() => open(hit)} />
        ))}
      </div>
      {hits.length === 0 && <div className="empty">{t("search.nothing")}</div>}
    </>
  );
}

function Option({ hit, isChosen, onOpen }: { hit: Hit; isChosen: boolean; onOpen: () => void }) {
  return (
    <div id={`hit-${hit.id}`} role="option" aria-selected={isChosen} className="palette-hit" onClick={onOpen}>
      {hit.isRecord ? <Avatar name={hit.label} /> : <IconArrowRight size={18} aria-hidden />}
      <span className="grow clip" dir="auto">
        {hit.label}
      </span>
      <span className="quiet clip">{hit.detail}</span>
    </div>
  );
}

function pathOf(hit: { object: string; id: string; account_id?: string | null }): string {
  const accountId = hit.object === "account" ? hit.id : hit.account_id;
  return accountId ? `/accounts/${accountId}` : "/contacts";
}

function useHits(words: string): Hit[] {
  const { t } = useTranslation();
  const [asked] = useDebouncedValue(words.trim(), TYPED);
  const found = useQuery(searchQuery(asked));
  return useMemo(() => {
    const wanted = words.trim().toLocaleLowerCase();
    const places = PLACES.map(({ path, word }) => ({ id: path, label: t(word), detail: t("search.go"), path, isRecord: false }));
    const named = places.filter((place) => place.label.toLocaleLowerCase().includes(wanted));
    const records = (wanted && found.data ? found.data.items : []).map((hit) => ({
      id: hit.id,
      label: hit.label,
      detail: hit.detail ?? t(`object.${hit.object}`),
      path: pathOf(hit),
      isRecord: true,
    }));
    return [...records, ...named];
  }, [words, found.data, t]);
}
