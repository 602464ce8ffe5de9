import { Button, CloseButton } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, asApiError } from "@/api/errors";
import { type Field, type ObjectName, useFields, useFieldWords } from "@/meta/fields";
import { FieldEdit } from "@/meta/FieldEdit";
import { FieldView, useFieldText } from "@/meta/FieldView";
import { sectionsOf } from "@/meta/layouts";
import { sayDone, sayError } from "./say";
import { useErrorText } from "./States";

type Record_ = { version: number } & { [name: string]: unknown };

export interface Editing {
  record: Record_;
  canEdit: boolean;
  /** Saves one field against the version given; rejects with an ApiError. */
  save: (version: number, change: { [name: string]: unknown }) => Promise<Record_>;
  /** The record as it is now on the server. */
  reread: () => Promise<Record_>;
}

/** A record's fields by section, each to be edited where it stands. */
export function FieldSections({ object, editing }: { object: ObjectName; editing: Editing }) {
  const { t } = useTranslation();
  const sections = sectionsOf(object, useFields(object));
  return sections
    .filter(([, fields]) => fields.length > 0)
    .map(([section, fields]) => (
      <section key={section} className="card" aria-label={t(`sections.${section}`)}>
        <div className="card-head">
          <h2>{t(`sections.${section}`)}</h2>
        </div>
        <dl style={{ paddingBottom: 10 }}>
          {fields.map((field) => (
            <InlineField key={field.name} field={field} editing={editing} />
          ))}
        </dl>
      </section>
    ));
}

function InlineField({ field, editing }: { field: Field; editing: Editing }) {
  const { t } = useTranslation();
  const words = useFieldWords();
  const [isOpen, setOpen] = useState(false);
  const value = editing.record[field.name];
  const canEdit = editing.canEdit && field.kind !== "reference";
  return (
    <div className="field">
      <dt title={words.help(field)}>{words.label(field)}</dt>
      <dd dir="auto">
        {isOpen && <FieldForm field={field} editing={editing} onClose={() => setOpen(false)} />}
        {!isOpen && canEdit && (
          <button type="button" className="plain value" onClick={() => setOpen(true)}>
            <FieldView field={field} value={value} />
            <span className="sr">{t("record.edit", { field: words.label(field) })}</span>
          </button>
        )}
        {!isOpen && !canEdit && (
          <span className="value">
            <FieldView field={field} value={value} />
          </span>
        )}
      </dd>
    </div>
  );
}

const LONG = new Set(["long_text", "address"]);

function FieldForm({ field, editing, onClose }: { field: Field; editing: Editing; onClose: () => void }) {
  const { t } = useTranslation();
  const words = useFieldWords();
  const [value, setValue] = useState(editing.record[field.name]);
  const saving = useSaving(field, editing, onClose);
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    void saving.save(value, editing.record.version);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "Escape" && !event.defaultPrevented) onClose();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
  };
  return (
    <form onSubmit={submit} onKeyDown={onKeyDown} className="stack" style={{ gap: 6, paddingBottom: 6 }} aria-label={words.label(field)}>
      <FieldEdit field={field} value={value} onChange={setValue} error={saving.error} isLabelled={false} autoFocus={!LONG.has(field.kind)} />
      {saving.theirs && <Choice field={field} mine={value} theirs={saving.theirs} onMine={() => void saving.save(value, saving.theirs!.version)} onTheirs={onClose} />}
      {!saving.theirs && (
        <div className="row">
          <Button type="submit" loading={saving.isBusy}>
            {t("save")}
          </Button>
          <CloseButton aria-label={t("cancel")} onClick={onClose} />
        </div>
      )}
    </form>
  );
}

function useSaving(field: Field, editing: Editing, onClose: () => void) {
  const { t } = useTranslation();
  const words = useFieldWords();
  const text = useErrorText();
  const [state, setState] = useState<{ isBusy: boolean; error?: string; theirs?: Record_ }>({ isBusy: false });
  const save = async (value: unknown, version: number) => {
    if (state.isBusy) return;
    const before = editing.record[field.name];
    setState({ isBusy: true });
    try {
      const after = await editing.save(version, { [field.name]: value });
      const undo = () => editing.save(after.version, { [field.name]: before }).then(undefined, sayError);
      sayDone(t("record.saved", { field: words.label(field) }), () => void undo());
      onClose();
    } catch (error) {
      setState(await explained(asApiError(error), field, editing, text));
    }
  };
  return { ...state, save };
}

async function explained(error: ApiError, field: Field, editing: Editing, text: (error: unknown) => string) {
  if (error.status === 412) return { isBusy: false, theirs: await editing.reread() };
  const mine = error.fields[field.name] ?? error.problem.errors?.[0];
  if (error.status !== 422 || !mine) sayError(error);
  return { isBusy: false, error: error.status === 422 && mine ? mine.detail : text(error) };
}

interface ChoiceProps {
  field: Field;
  mine: unknown;
  theirs: Record_;
  onMine: () => void;
  onTheirs: () => void;
}

/** Somebody else saved in between: both values, and the person decides. */
function Choice({ field, mine, theirs, onMine, onTheirs }: ChoiceProps) {
  const { t } = useTranslation();
  const text = useFieldText();
  return (
    <div className="choice" role="alert">
      <strong>{t("record.changed_meanwhile")}</strong>
      <span>
        {t("record.theirs")}: <b>{text(field, theirs[field.name]) || "–"}</b>
      </span>
      <span>
        {t("record.mine")}: <b>{text(field, mine) || "–"}</b>
      </span>
      <div className="row wrap">
        <Button variant="default" onClick={onTheirs}>
          {t("record.keep_theirs")}
        </Button>
        <Button onClick={onMine}>{t("record.keep_mine")}</Button>
      </div>
    </div>
  );
}
