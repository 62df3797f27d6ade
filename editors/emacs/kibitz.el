;;; kibitz.el --- Completions, chat, edits and search that know the workspace -*- lexical-binding: t; -*-

;; Package-Requires: ((emacs "28.1") (eglot "1.9"))
;; Keywords: languages, convenience, tools
;; SPDX-License-Identifier: Apache-2.0

;;; Commentary:

;; Kibitz as an eglot server, with ghost text and commands.  Needs the program kibitz on the PATH.
;;
;;   (require 'kibitz)
;;   (add-hook 'python-mode-hook #'kibitz-start)
;;
;; Eglot manages a buffer with one server: where another one does, Kibitz is for the other buffers.

;;; Code:

(require 'cl-lib)
(require 'eglot)
(require 'jsonrpc)
(require 'xref)

(defgroup kibitz nil
  "A coding assistant that knows the workspace."
  :group 'tools)

(defcustom kibitz-command '("kibitz" "serve")
  "The server's command line."
  :type '(repeat string))

(defcustom kibitz-settings nil
  "The server's settings by name, as a property list: (:base_url \"http://127.0.0.1:11434/v1\")."
  :type 'plist)

(defcustom kibitz-ghost-delay 0.02
  "Seconds without a key after which ghost text is asked for; the server waits as long as typing needs."
  :type 'number)

(defface kibitz-ghost '((t :inherit shadow))
  "The face of ghost text.")

;;; The server

(defclass kibitz-server (eglot-lsp-server) ()
  :documentation "Kibitz as eglot's server.")

(cl-defmethod eglot-client-capabilities ((_server kibitz-server))
  "Say what else this client can do: ghost text and progress."
  (let ((capabilities (cl-call-next-method)))
    (setf (plist-get (plist-get capabilities :textDocument) :inlineCompletion) '(:dynamicRegistration :json-false))
    (setf (plist-get capabilities :window) '(:workDoneProgress t))
    capabilities))

(cl-defmethod eglot-initialization-options ((_server kibitz-server))
  "Hand the settings to the server."
  (or kibitz-settings (make-hash-table)))

(defvar kibitz--listeners (make-hash-table :test #'equal)
  "What takes a progress token's values.")

(defvar kibitz-state '("" . "")
  "The server's state and its sentence.")

(defvar kibitz--progress nil
  "The token and the percentage of what shows progress, or nil.")

(cl-defmethod eglot-handle-notification ((_server kibitz-server) (_method (eql $/progress)) &rest params)
  "Give streamed pieces to whoever asked for them, and all else to eglot."
  (let* ((token (plist-get params :token)) (value (plist-get params :value))
         (listener (gethash token kibitz--listeners)))
    (cond (listener (funcall listener value))
          ((equal (plist-get value :kind) "end") (setq kibitz--progress nil))
          ((plist-get value :percentage) (setq kibitz--progress (cons token (plist-get value :percentage)))))
    (force-mode-line-update t)
    (unless listener (cl-call-next-method))))

(cl-defmethod eglot-handle-notification ((_server kibitz-server) (_method (eql kibitz/status)) &rest params)
  "Keep the state for the mode line."
  (setq kibitz-state (cons (plist-get params :state) (plist-get params :message)))
  (when (member (car kibitz-state) '("error" "offline"))
    (message "Kibitz: %s" (cdr kibitz-state)))
  (force-mode-line-update t))

;;;###autoload
(defun kibitz-start ()
  "Manage this buffer with Kibitz, and show ghost text in it."
  (interactive)
  (setq-local eglot-server-programs
              (cons (cons major-mode (cons 'kibitz-server kibitz-command)) eglot-server-programs))
  (eglot-ensure)
  (kibitz-mode 1))

(defun kibitz--server ()
  "The server that manages this buffer, else any; an error where there is none."
  (let ((server (eglot-current-server)))
    (or (and (cl-typep server 'kibitz-server) server)
        (cl-find-if (lambda (each) (cl-typep each 'kibitz-server))
                    (apply #'append (hash-table-values eglot--servers-by-project)))
        (user-error "Kibitz is not running: M-x kibitz-start in a file of the workspace"))))

(defun kibitz--send (method params on-result &optional on-error)
  "Send a request of METHOD with PARAMS, after this buffer's changes; ON-RESULT gets its result.
ON-ERROR gets the error's sentence; without one it is shown."
  (when (eglot-managed-p)
    (eglot--signal-textDocument/didChange))
  (jsonrpc-async-request
   (kibitz--server) method params
   :success-fn on-result
   :error-fn (lambda (err)
               (unless (eql (plist-get err :code) -32800) ; cancelled
                 (if on-error
                     (funcall on-error (plist-get err :message))
                   (message "Kibitz: %s" (plist-get err :message)))))
   :timeout 600))

(defun kibitz--document ()
  "This buffer in the protocol's words."
  (eglot--TextDocumentIdentifier))

(defun kibitz--lines (from to)
  "The whole lines between the positions FROM and TO as a range."
  (let ((last (save-excursion (goto-char to) (if (and (bolp) (> to from)) 0 1))))
    (list :start (list :line (1- (line-number-at-pos from t)) :character 0)
          :end (list :line (+ (1- (line-number-at-pos to t)) last) :character 0))))

;;; Ghost text

(defvar-local kibitz--ghost nil "The overlay that shows a suggestion, or nil.")
(defvar-local kibitz--items nil "The suggestions of the last answer.")
(defvar-local kibitz--asked 0 "The number of the newest request: answers to older ones are dropped.")
(defvar-local kibitz--timer nil "Asks for ghost text when no key follows.")
(defvar-local kibitz--tick nil "What the buffer's modification count was at the last look.")

(defvar kibitz-ghost-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "TAB") #'kibitz-accept)
    (define-key map (kbd "<tab>") #'kibitz-accept)
    (define-key map (kbd "M-<right>") #'kibitz-accept-word)
    (define-key map (kbd "M-<down>") #'kibitz-accept-line)
    (define-key map (kbd "M-n") #'kibitz-next)
    (define-key map (kbd "C-g") #'kibitz-dismiss)
    map)
  "The keys while a suggestion is shown; all others are what they were.")

;;;###autoload
(define-minor-mode kibitz-mode
  "Show what Kibitz suggests behind the cursor."
  :lighter (:eval (concat " Kibitz" (kibitz--lighter)))
  (if kibitz-mode
      (progn
        (add-to-list 'emulation-mode-map-alists `((kibitz--ghost . ,kibitz-ghost-map)))
        (add-hook 'post-command-hook #'kibitz--look nil t))
    (remove-hook 'post-command-hook #'kibitz--look t)
    (kibitz-dismiss)))

(defun kibitz--lighter ()
  "The state as a short text."
  (pcase (car kibitz-state)
    ((or "" "ready") "")
    ("no_model" ":no model")
    ((and "indexing" (guard kibitz--progress)) (format ":indexing %d%%%%" (cdr kibitz--progress)))
    (state (concat ":" state))))

(defun kibitz--text ()
  "The suggestion that is shown at point, or nil."
  (and kibitz--ghost (= (overlay-start kibitz--ghost) (point)) (overlay-get kibitz--ghost 'kibitz-text)))

(defun kibitz-dismiss ()
  "Show nothing, and drop what is asked for."
  (interactive)
  (when kibitz--ghost (delete-overlay kibitz--ghost))
  (when kibitz--timer (cancel-timer kibitz--timer))
  (setq kibitz--ghost nil kibitz--timer nil)
  (cl-incf kibitz--asked))

(defun kibitz--show (text)
  "Show TEXT at point."
  (when kibitz--ghost (delete-overlay kibitz--ghost))
  (setq kibitz--ghost (make-overlay (point) (point) nil t))
  (let ((shown (propertize text 'face 'kibitz-ghost)))
    (put-text-property 0 1 'cursor t shown) ; the cursor stays before it
    (overlay-put kibitz--ghost 'kibitz-text text)
    (overlay-put kibitz--ghost 'after-string shown)))

(defun kibitz--typed-through ()
  "Keep what is shown when its next characters were typed; tell whether that was so."
  (when-let* ((overlay kibitz--ghost)
              (start (overlay-start overlay))
              (text (overlay-get overlay 'kibitz-text))
              (typed (and (> (point) start) (buffer-substring-no-properties start (point)))))
    (when (and (string-prefix-p typed text) (not (equal typed text)))
      (kibitz--show (substring text (length typed)))
      t)))

(defun kibitz--look ()
  "After a change ask for what may follow; after a mere move show nothing."
  (let ((tick (buffer-chars-modified-tick)))
    (cond
     ((equal tick kibitz--tick)
      (unless (kibitz--text) (kibitz-dismiss)))
     ((or (eq this-command 'undo) (not (eglot-managed-p)))
      (kibitz-dismiss))
     (t
      (unless (kibitz--typed-through) (kibitz-dismiss))
      (when kibitz--timer (cancel-timer kibitz--timer))
      (setq kibitz--timer (run-with-timer kibitz-ghost-delay nil #'kibitz--ask (current-buffer) 2))))
    (setq kibitz--tick tick)))

(defun kibitz--ask (buffer trigger)
  "Ask for what may stand at point in BUFFER; TRIGGER is 1 by hand, 2 while typing."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (let ((number (cl-incf kibitz--asked)) (at (point)))
        (kibitz--send
         :textDocument/inlineCompletion
         (list :textDocument (kibitz--document)
               :position (eglot--pos-to-lsp-position)
               :context (list :triggerKind trigger))
         (lambda (result)
           (when (buffer-live-p buffer)
             (with-current-buffer buffer
               (when (and (= number kibitz--asked) (= at (point)))
                 (setq kibitz--items (append (plist-get result :items) nil))
                 (if kibitz--items
                     (kibitz--show (plist-get (car kibitz--items) :insertText))
                   (kibitz-dismiss))))))
         #'ignore))))) ; kibitz/status tells

(defun kibitz--insert (text command arguments)
  "Insert TEXT as an undo step of its own, and tell the server by COMMAND with ARGUMENTS."
  (undo-boundary)
  (insert text)
  (undo-boundary)
  (setq kibitz--tick (buffer-chars-modified-tick))
  (when command
    (kibitz--send :workspace/executeCommand (list :command command :arguments arguments) #'ignore #'ignore)))

(defun kibitz-accept ()
  "Insert the suggestion."
  (interactive)
  (when-let ((text (kibitz--text)))
    (let ((command (plist-get (car kibitz--items) :command)))
      (kibitz-dismiss)
      (kibitz--insert text (plist-get command :command) (plist-get command :arguments)))))

(defun kibitz--accept-part (pattern)
  "Insert what PATTERN matches of the suggestion, and keep showing the rest."
  (when-let ((text (kibitz--text)))
    (let ((part (and (string-match pattern text) (match-string 0 text)))
          (command (plist-get (car kibitz--items) :command)))
      (if (member part (list nil "" text))
          (kibitz-accept)
        (kibitz--insert part "kibitz.acceptedPart" (plist-get command :arguments))
        (kibitz--show (substring text (length part)))))))

(defun kibitz-accept-word ()
  "Insert the suggestion's next word."
  (interactive)
  (kibitz--accept-part "\\`[[:space:]\n]*[[:alnum:]_]+"))

(defun kibitz-accept-line ()
  "Insert the rest of the suggestion's line."
  (interactive)
  (kibitz--accept-part "\\`\n?[^\n]*"))

(defun kibitz-next ()
  "Show the next of several suggestions; the first time they are asked for."
  (interactive)
  (if (cdr kibitz--items)
      (progn
        (setq kibitz--items (append (cdr kibitz--items) (list (car kibitz--items))))
        (kibitz--show (plist-get (car kibitz--items) :insertText)))
    (kibitz--ask (current-buffer) 1)))

;;; Edits and search

;;;###autoload
(defun kibitz-edit (instruction &optional from to)
  "Change the region between FROM and TO as INSTRUCTION says.
Without a region the whole buffer may change."
  (interactive (cons (read-string "Edit: ")
                     (and (use-region-p) (list (region-beginning) (region-end)))))
  (kibitz--send
   :kibitz/edit
   (append (list :textDocument (kibitz--document) :instruction instruction :review t)
           (and from (list :range (kibitz--lines from to))))
   (lambda (result)
     (unless (eq (plist-get result :applied) t)
       (message "Kibitz: %s" (or (plist-get result :failureReason) "nothing was changed"))))))

(defun kibitz--decide (command all)
  "Run COMMAND for the change at point, or the ALL command for all of the buffer."
  (let ((argument (append (list :textDocument (kibitz--document))
                          (unless all (list :position (eglot--pos-to-lsp-position))))))
    (kibitz--send :workspace/executeCommand (list :command command :arguments (vector argument))
                  (lambda (result)
                    (when-let ((reason (plist-get result :failureReason)))
                      (message "Kibitz: %s" reason))))))

(defun kibitz-accept-change (&optional all)
  "Accept the change at point that an edit has made, or with a prefix ALL of them."
  (interactive "P")
  (kibitz--decide (if all "kibitz.acceptAll" "kibitz.acceptHunk") all))

(defun kibitz-reject-change (&optional all)
  "Put back what stood where an edit has changed point's lines, or with a prefix ALL."
  (interactive "P")
  (kibitz--decide (if all "kibitz.rejectAll" "kibitz.rejectHunk") all))

;;;###autoload
(defun kibitz-search (query &optional regex)
  "Show where the workspace answers QUERY; with a prefix argument it is a REGEX."
  (interactive (list (read-string "Search: ") current-prefix-arg))
  (kibitz--send
   :kibitz/search (list :query query :k 30 :regex (if regex t :json-false))
   (lambda (answer)
     (let ((places (mapcar
                    (lambda (hit)
                      (xref-make (or (car (split-string (plist-get hit :text) "\n" t "[ \t]*")) "")
                                 (xref-make-file-location (eglot--uri-to-path (plist-get hit :uri))
                                                          (plist-get hit :start_line) 0)))
                    (plist-get answer :hits))))
       (if places
           (funcall xref-show-xrefs-function (lambda () places) nil)
         (message "Kibitz: %s" (mapconcat #'identity (plist-get answer :notes) " ")))))))

(defun kibitz-index ()
  "Bring the index up to date."
  (interactive)
  (kibitz--send :kibitz/index (make-hash-table)
                (lambda (report)
                  (message "Kibitz: %s files, %s chunks" (plist-get report :files) (plist-get report :chunks)))))

(defun kibitz-stop-indexing ()
  "Stop the indexing that is under way; what it had finished stays."
  (interactive)
  (when kibitz--progress
    (jsonrpc-notify (kibitz--server) :window/workDoneProgress/cancel (list :token (car kibitz--progress)))))

(dolist (command '(kibitz-ask kibitz-continue kibitz-stop kibitz-chats kibitz-new-chat))
  (autoload command "kibitz-chat" nil t))

(provide 'kibitz)
;;; kibitz.el ends here
