;;; A user's first hour in Emacs with the package, with real keys. -*- lexical-binding: t; -*-
;; In: TEST_INIT, TEST_ROOT, TEST_OUT. Out: what was seen, as one JSON object.

(dolist (folder (file-expand-wildcards "/usr/share/emacs/site-lisp/elpa-src/*")) (add-to-list 'load-path folder))
(setq user-emacs-directory (file-name-as-directory (make-temp-file "emacs" t)))
(require 'json)
(load (getenv "TEST_INIT"))
(setq eglot-confirm-server-initiated-edits nil
      eglot-autoshutdown t
      create-lockfiles nil
      make-backup-files nil
      auto-save-default nil)

(defvar seen nil)
(defvar errors nil)
(defun saw (name value) (push (cons name value) seen))
(defun wait (what done)
  (with-timeout (30 (push (concat "waited in vain for " what) errors))
    (while (not (funcall done)) (accept-process-output nil 0.02))))
(defun type (keys) (execute-kbd-macro (kbd keys)))
(defun ghost-is (text) (lambda () (equal (kibitz--text) text)))
(defun first-line () (save-excursion (goto-char (point-min)) (this-line)))
(defun this-line () (buffer-substring-no-properties (line-beginning-position) (line-end-position)))

(find-file (expand-file-name "bank.py" (getenv "TEST_ROOT")))
(setq indent-tabs-mode nil)
(defvar bank (current-buffer))
(switch-to-buffer bank)
(type "C-a") ; the first command connects
(wait "the server" #'eglot-managed-p)
(saw 'server (symbol-name (eieio-object-class-name (eglot-current-server))))
(wait "the index" (lambda () (equal (car kibitz-state) "ready")))
(saw 'lighter (kibitz--lighter))

;; Ghost text: typed through, then taken by a word, then whole.
(switch-to-buffer bank)
(goto-char (point-max))
(setq python-indent-guess-indent-offset-verbose nil)
(type "face SPC = SPC '☺'; SPC area SPC = SPC")
(wait "ghost text" (ghost-is "circle_area(2.0)"))
(type "cir")
(saw 'left (kibitz--text))
(type "M-<right>")
(saw 'word (this-line))
(type "TAB")
(saw 'accepted (this-line))
(undo-boundary)
(saw 'shown (kibitz--text))
(type "C-/")
(saw 'undone (this-line))

;; A question, and the place that it names.
(kibitz-ask "Where is the area?")
(wait "the answer" (lambda () (with-current-buffer "*kibitz*" (string-match-p "shapes.py:4-6\n" (buffer-string)))))
(saw 'chat (with-current-buffer "*kibitz*" (buffer-string)))
(switch-to-buffer "*kibitz*")
(goto-char (point-max))
(forward-button -1)
(push-button)
(saw 'cited (list (file-name-nondirectory (buffer-file-name)) (line-number-at-pos)))
(switch-to-buffer bank)

;; An edit, its undo, and one that is refused since the same lines were changed meanwhile.
(goto-char (point-min))
(kibitz-edit "Say hello." (point-min) (line-end-position))
(wait "the edit" (lambda () (equal (first-line) "\"\"\"Hello.\"\"\"")))
(undo-boundary)
(type "C-/")
(saw 'unedited (first-line))
(goto-char (point-min))
(kibitz-edit "Slowly." (point-min) (line-end-position))
(let ((until (+ (float-time) 0.5))) (while (< (float-time) until) (accept-process-output nil 0.02)))
(goto-char (point-min))
(delete-region (point) (line-end-position))
(insert "\"\"\"Mine.\"\"\"")
(eglot--signal-textDocument/didChange)
(defvar told nil)
(advice-add 'message :before (lambda (format &rest rest) (when format (push (apply #'format format rest) told))))
(wait "the refusal" (lambda () (cl-find-if (lambda (each) (string-match-p "\\`Kibitz" each)) told)))
(saw 'refused (cl-find-if (lambda (each) (string-match-p "\\`Kibitz" each)) told))
(saw 'mine (first-line))

;; Search.
(kibitz-search "area of a circle")
(wait "the hits" (lambda () (get-buffer "*xref*")))
(saw 'hits (with-current-buffer "*xref*" (buffer-substring-no-properties (point-min) (point-max))))

(let ((server (kibitz--server)))
  (with-current-buffer bank (set-buffer-modified-p nil))
  (eglot-shutdown server)
  (saw 'stopped (not (jsonrpc-running-p server))))
(saw 'errors (vconcat errors))
(with-temp-file (getenv "TEST_OUT") (insert (json-encode seen)))
(set-buffer-modified-p nil)
(kill-emacs 0)
